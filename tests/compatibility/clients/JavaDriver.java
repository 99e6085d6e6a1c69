import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

/** Kafka's own client driven by lines of JSON on standard input: {"verb": …}, answered by {"answer": …} or {"error": …}. */
class JavaDriver {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, Object> COMMON = new HashMap<>();
  static final Map<Integer, Member> MEMBERS = new ConcurrentHashMap<>();
  static Admin admin;

  public static void main(String[] words) throws Exception {
    for (int i = 0; i < words.length; i += 2) COMMON.put(words[i], words[i + 1]);
    admin = Admin.create(COMMON);
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      ObjectNode said = JSON.createObjectNode();
      try {
        said.set("answer", JSON.valueToTree(answer(JSON.readTree(line))));
      } catch (Throwable failed) {
        var cause = failed instanceof ExecutionException ? failed.getCause() : failed;
        said.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
      }
      System.out.println(JSON.writeValueAsString(said));
    }
    System.exit(0);
  }

  static Object answer(JsonNode asked) throws Exception {
    return switch (asked.get("verb").asText()) {
      case "produce" -> produce(asked);
      case "read" -> read(asked);
      case "join" -> { int number = MEMBERS.size(); MEMBERS.put(number, new Member(asked)); yield number; }
      case "assigned" -> MEMBERS.get(asked.get("member").asInt()).parts;
      case "seen" -> MEMBERS.get(asked.get("member").asInt()).values.stream().toList();
      case "leave" -> { MEMBERS.get(asked.get("member").asInt()).leave(); yield true; }
      case "transact" -> transact(asked);
      case "fenced" -> fenced(asked);
      default -> administer(asked);
    };
  }

  static KafkaProducer<byte[], byte[]> producer(Object... more) {
    var settings = new HashMap<String, Object>(COMMON);
    settings.put("max.request.size", 4 << 20);
    for (int i = 0; i < more.length; i += 2) settings.put((String) more[i], more[i + 1]);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static ProducerRecord<byte[], byte[]> record(String topic, JsonNode told) throws IOException {
    var at = told.get("at_ms").isNull() ? null : told.get("at_ms").asLong();
    var record = new ProducerRecord<>(topic, told.get("partition").asInt(), at, bytes(told.get("key")), bytes(told.get("value")));
    for (var header : told.get("headers")) record.headers().add(new RecordHeader(header.get(0).asText(), bytes(header.get(1))));
    return record;
  }

  static byte[] bytes(JsonNode base64) throws IOException {
    return base64.isNull() ? null : base64.binaryValue();
  }

  static List<Long> send(KafkaProducer<byte[], byte[]> producer, JsonNode asked) throws Exception {
    var answers = new ArrayList<Future<RecordMetadata>>();
    for (var told : asked.get("records")) answers.add(producer.send(record(asked.get("topic").asText(), told)));
    var offsets = new ArrayList<Long>();
    for (var answer : answers) offsets.add(answer.get(30, TimeUnit.SECONDS).offset());
    return offsets;
  }

  static Object produce(JsonNode asked) throws Exception {
    var codec = asked.get("codec").asText();
    try (var producer = producer("compression.type", codec, "enable.idempotence", asked.get("idempotent").asBoolean())) {
      return send(producer, asked);
    }
  }

  static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> more) {
    var settings = new HashMap<String, Object>(COMMON);
    settings.put("auto.offset.reset", "earliest");
    settings.putAll(more);
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  static Object read(JsonNode asked) {
    var found = new ArrayList<Map<String, Object>>();
    var level = asked.get("committed").asBoolean() ? "read_committed" : "read_uncommitted";
    try (var consumer = consumer(Map.of("isolation.level", level, "max.partition.fetch.bytes", 4 << 20))) {
      var part = new TopicPartition(asked.get("topic").asText(), 0);
      consumer.assign(List.of(part));
      consumer.seek(part, asked.get("start").asLong());
      long until = System.currentTimeMillis() + 30_000;
      while (found.size() < asked.get("count").asInt()) {
        if (System.currentTimeMillis() > until) throw new IllegalStateException(found.size() + " records came in 30 s");
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          var seen = new HashMap<String, Object>();
          seen.put("partition", record.partition());
          seen.put("offset", record.offset());
          seen.put("key", record.key());
          seen.put("value", record.value());
          seen.put("at_ms", record.timestamp());
          var headers = new ArrayList<List<Object>>();
          for (var header : record.headers()) headers.add(List.of(header.key(), header.value()));
          seen.put("headers", headers);
          found.add(seen);
        }
      }
    }
    return found;
  }

  /** A consumer in a group on a thread of its own. */
  static class Member implements Runnable {
    volatile Set<Integer> parts = Set.of();
    final Queue<byte[]> values = new ConcurrentLinkedQueue<>();
    final KafkaConsumer<byte[], byte[]> consumer;
    volatile boolean ended;
    final Thread thread = new Thread(this);

    Member(JsonNode asked) {
      var strategies = Map.of("range", RangeAssignor.class, "sticky", StickyAssignor.class, "cooperative-sticky", CooperativeStickyAssignor.class);
      var settings = new HashMap<String, Object>(Map.of("group.id", asked.get("group").asText(), "group.protocol", "classic", "heartbeat.interval.ms", 300));
      settings.put("partition.assignment.strategy", strategies.get(asked.get("strategy").asText()).getName());
      if (!asked.get("instance").asText().isEmpty()) settings.put("group.instance.id", asked.get("instance").asText());
      consumer = consumer(settings);
      consumer.subscribe(List.of(asked.get("topic").asText()));
      thread.setDaemon(true);
      thread.start();
    }

    public void run() {
      while (!ended) {
        for (var record : consumer.poll(Duration.ofMillis(100))) values.add(record.value());
        var now = new TreeSet<Integer>();
        for (var part : consumer.assignment()) now.add(part.partition());
        parts = now;
      }
      consumer.close();
    }

    void leave() throws InterruptedException {
      ended = true;
      thread.join(30_000);
    }
  }

  static Object transact(JsonNode asked) throws Exception {
    try (var producer = producer("transactional.id", asked.get("name").asText())) {
      producer.initTransactions();
      producer.beginTransaction();
      send(producer, asked);
      var offsets = asked.get("offsets");
      if (!offsets.isNull()) {
        var where = Map.of(new TopicPartition(offsets.get(1).asText(), 0), new OffsetAndMetadata(offsets.get(2).asLong()));
        producer.sendOffsetsToTransaction(where, new ConsumerGroupMetadata(offsets.get(0).asText()));
      }
      if (asked.get("commit").asBoolean()) producer.commitTransaction();
      else producer.abortTransaction();
    }
    return true;
  }

  static Object fenced(JsonNode asked) throws Exception {
    var name = asked.get("name").asText();
    try (var first = producer("transactional.id", name); var second = producer("transactional.id", name)) {
      first.initTransactions();
      first.beginTransaction();
      second.initTransactions();
      try {
        first.send(new ProducerRecord<>(asked.get("topic").asText(), "late".getBytes())).get();
        first.commitTransaction();
        return false;
      } catch (ExecutionException refused) {
        return refused.getCause().getClass().getSimpleName().matches("ProducerFencedException|InvalidProducerEpochException");
      } catch (ProducerFencedException fenced) {
        return true;
      }
    }
  }

  static Object administer(JsonNode asked) throws Exception {
    var topic = asked.path("topic").asText();
    var part = new TopicPartition(topic, 0);
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    var group = asked.path("group").asText();
    var configs = new HashMap<String, String>();
    asked.path("configs").fields().forEachRemaining(entry -> configs.put(entry.getKey(), entry.getValue().asText()));
    switch (asked.get("verb").asText()) {
      case "create":
        return admin.createTopics(List.of(new NewTopic(topic, asked.get("partitions").asInt(), (short) 1).configs(configs))).all().get();
      case "delete":
        return admin.deleteTopics(List.of(topic)).all().get();
      case "partitions":
        try {
          return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        } catch (ExecutionException unknown) {
          if (unknown.getCause() instanceof UnknownTopicOrPartitionException) return 0;
          throw unknown;
        }
      case "configs":
        var found = new HashMap<String, String>();
        admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().forEach(e -> found.put(e.name(), e.value()));
        return found;
      case "configure":
        var changes = new ArrayList<AlterConfigOp>();
        configs.forEach((name, value) -> changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        return admin.incrementalAlterConfigs(Map.of(resource, (Collection<AlterConfigOp>) changes)).all().get();
      case "grow":
        return admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(asked.get("partitions").asInt()))).all().get();
      case "delete_records":
        var before = RecordsToDelete.beforeOffset(asked.get("before").asLong());
        return admin.deleteRecords(Map.of(part, before)).lowWatermarks().get(part).get().lowWatermark();
      case "group_state":
        if (admin.listGroups().all().get().stream().noneMatch(listed -> listed.groupId().equals(group))) return "";
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).groupState().toString();
      case "delete_group":
        return admin.deleteConsumerGroups(List.of(group)).all().get();
      case "group_offset":
        var committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(part);
        return committed == null ? -1 : committed.offset();
      case "set_group_offset":
        return admin.alterConsumerGroupOffsets(group, Map.of(part, new OffsetAndMetadata(asked.get("offset").asLong()))).all().get();
      case "offset_at":
        long at = asked.get("at_ms").asLong();
        var spec = at == -1 ? OffsetSpec.earliest() : at == -2 ? OffsetSpec.latest() : OffsetSpec.forTimestamp(at);
        return admin.listOffsets(Map.of(part, spec)).partitionResult(part).get().offset();
      default:
        throw new IllegalArgumentException(asked.toString());
    }
  }
}
