import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/** Apache Kafka's own client, one way in after the other: `TOPIC SETTINGS-FILE …`; a line each: what was read, or why not. */
class JavaSecured {
  public static void main(String[] words) throws Exception {
    for (int i = 0; i < words.length; i += 2) {
      var settings = new Properties();
      try (var reader = Files.newBufferedReader(Path.of(words[i + 1]))) { settings.load(reader); }
      settings.put("max.block.ms", "10000");
      settings.put("group.id", words[i] + "-java");
      settings.put("auto.offset.reset", "earliest");
      String said;
      try {
        said = talk(words[i], settings);
      } catch (ExecutionException error) {
        said = error.getCause().getClass().getSimpleName();
      } catch (RuntimeException error) {
        said = error.getClass().getSimpleName();
      }
      System.out.println(said);
    }
  }

  static String talk(String topic, Properties settings) throws Exception {
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < 5; i++) producer.send(new ProducerRecord<>(topic, "java-" + i)).get();
    }
    var found = new TreeSet<String>();
    long until = System.currentTimeMillis() + 20_000;
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      while (found.size() < 5 && System.currentTimeMillis() < until)
        for (var record : consumer.poll(Duration.ofMillis(200))) if (record.value().startsWith("java-")) found.add(record.value());
      consumer.commitSync();
    }
    return String.join(" ", found);
  }
}
