import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.*;

/**
 * Apache Kafka's own client in transactions: `produce ADDRESS TOPIC COUNT` (every third transaction is aborted),
 * `transform ADDRESS SOURCE TARGET COUNT` (consume, write upper case, sendOffsetsToTransaction), `fence ADDRESS TOPIC`,
 * `consume ADDRESS TOPIC COUNT` (read_committed).
 */
class JavaTransactions {
  public static void main(String[] words) throws Exception {
    switch (words[0]) {
      case "produce" -> produce(words);
      case "transform" -> transform(words);
      case "fence" -> fence(words);
      default -> consume(words);
    }
  }

  static KafkaProducer<String, String> producer(String address, String id) {
    var settings = new Properties();
    settings.put("bootstrap.servers", address);
    settings.put("transactional.id", id);
    return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(String address, String group) {
    var settings = new Properties();
    settings.put("bootstrap.servers", address);
    settings.put("group.id", group);
    settings.put("auto.offset.reset", "earliest");
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", "false");
    return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
  }

  static void produce(String[] words) {
    try (var producer = producer(words[1], "java-" + words[2])) {
      producer.initTransactions();
      for (int i = 0; i < Integer.parseInt(words[3]); i++) {
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(words[2], "key-" + i, (i % 3 == 2 ? "aborted-" : "kept-") + i));
        producer.flush();
        if (i % 3 == 2) producer.abortTransaction();
        else producer.commitTransaction();
      }
    }
  }

  static void transform(String[] words) {
    int left = Integer.parseInt(words[4]);
    long until = System.currentTimeMillis() + 60_000;
    try (var producer = producer(words[1], "java-" + words[3]);
        var consumer = consumer(words[1], "java-" + words[3])) {
      producer.initTransactions();
      consumer.subscribe(List.of(words[2]));
      while (left > 0 && System.currentTimeMillis() < until) {
        var records = consumer.poll(Duration.ofMillis(200));
        if (records.isEmpty()) continue;
        producer.beginTransaction();
        var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
        for (var record : records) {
          producer.send(new ProducerRecord<>(words[3], record.key(), record.value().toUpperCase()));
          offsets.put(
              new TopicPartition(record.topic(), record.partition()),
              new OffsetAndMetadata(record.offset() + 1));
          left--;
        }
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        producer.commitTransaction();
      }
      System.out.println(consumer.committed(consumer.assignment()).values().iterator().next().offset());
    }
  }

  static void fence(String[] words) {
    try (var old = producer(words[1], "java-fence");
        var young = producer(words[1], "java-fence")) {
      old.initTransactions();
      old.beginTransaction();
      old.send(new ProducerRecord<>(words[2], "old"));
      old.flush();
      young.initTransactions();
      young.beginTransaction();
      young.send(new ProducerRecord<>(words[2], "young"));
      young.commitTransaction();
      try {
        old.commitTransaction();
        System.out.println("committed");
      } catch (ProducerFencedException fenced) {
        System.out.println("fenced");
      }
    }
  }

  static void consume(String[] words) {
    int left = Integer.parseInt(words[3]);
    long until = System.currentTimeMillis() + 30_000;
    try (var consumer = consumer(words[1], "java-reads-" + words[2])) {
      consumer.subscribe(List.of(words[2]));
      while (left > 0 && System.currentTimeMillis() < until)
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          System.out.println(record.value());
          left--;
        }
    }
  }
}
