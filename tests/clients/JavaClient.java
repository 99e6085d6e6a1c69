import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/** Apache Kafka's own client: `produce ADDRESS TOPIC CODEC COUNT NAME` and `consume ADDRESS TOPIC GROUP COUNT`. */
class JavaClient {
  public static void main(String[] words) throws Exception {
    if (words[0].equals("produce")) produce(words);
    else consume(words);
  }

  static void produce(String[] words) throws Exception {
    var settings = new Properties();
    settings.put("bootstrap.servers", words[1]);
    settings.put("compression.type", words[3]);
    settings.put("linger.ms", "20");
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      var answers = new ArrayList<java.util.concurrent.Future<RecordMetadata>>();
      for (int i = 0; i < Integer.parseInt(words[4]); i++) {
        var record = new ProducerRecord<>(words[2], "key-" + i, words[5] + "-" + words[3] + "-" + i);
        record.headers().add("from", words[5].getBytes());
        answers.add(producer.send(record));
      }
      for (var answer : answers) answer.get();
    }
  }

  static void consume(String[] words) {
    var settings = new Properties();
    settings.put("bootstrap.servers", words[1]);
    settings.put("group.id", words[3]);
    settings.put("auto.offset.reset", "earliest");
    int left = Integer.parseInt(words[4]);
    long until = System.currentTimeMillis() + 30_000;
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(words[2]));
      while (left > 0 && System.currentTimeMillis() < until)
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          System.out.println(record.key() + "\t" + record.value());
          left--;
        }
      consumer.commitSync();
    }
  }
}
