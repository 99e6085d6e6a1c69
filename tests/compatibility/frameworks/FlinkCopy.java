import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.*;

/** Flink SQL from a Kafka topic to another, exactly once, until the end that the first has now: ADDRESS INPUT OUTPUT. */
class FlinkCopy {
  public static void main(String[] words) throws Exception {
    var settings = new Configuration();
    settings.setString("parallelism.default", "1");
    settings.setString("execution.checkpointing.interval", "500 ms");
    settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    var tables = TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
    var kafka = "'connector' = 'kafka', 'format' = 'json', 'properties.bootstrap.servers' = '" + words[0] + "', 'topic' = '";
    tables.executeSql("CREATE TABLE readings (sensor STRING, reading DOUBLE) WITH (" + kafka + words[1]
        + "', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'properties.group.id' = 'flink')");
    tables.executeSql("CREATE TABLE doubled (sensor STRING, reading DOUBLE) WITH (" + kafka + words[2]
        + "', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '" + words[2]
        + "', 'properties.transaction.timeout.ms' = '60000')");
    tables.executeSql("INSERT INTO doubled SELECT sensor, reading * 2 FROM readings WHERE reading >= 0").await();
    System.exit(0);
  }
}
