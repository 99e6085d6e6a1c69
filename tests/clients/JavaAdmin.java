import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;

/** Changes a topic that lives, as an admin does: java JavaAdmin.java ADDRESS TOPIC; prints what is seen afterwards. */
public class JavaAdmin {
    public static void main(String[] words) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", words[0]);
        String topic = words[1];
        try (Admin admin = Admin.create(properties)) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            admin.incrementalAlterConfigs(Map.of(resource, List.of(
                new AlterConfigOp(new ConfigEntry("segment.ms", "12345"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all().get();
            TopicPartition first = new TopicPartition(topic, 0);
            long low = admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(2))).all().get() == null
                ? admin.listOffsets(Map.of(first, OffsetSpec.earliest())).partitionResult(first).get().offset() : -1;
            int partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
            Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            admin.describeLogDirs(List.of(1)).allDescriptions().get().values().forEach(dirs -> dirs.values().forEach(dir -> {
                if (!dir.replicaInfos().containsKey(first) || dir.usableBytes().getAsLong() <= 0)
                    throw new IllegalStateException("the log dir lacks " + first);
            }));
            String elected = admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions().get().get(first)
                .map(error -> error.getClass().getSimpleName()).orElse("elected");
            System.out.println(partitions + " " + config.get("segment.ms").value() + " "
                + config.get("cleanup.policy").value() + " " + low + " " + elected);
        }
    }
}
