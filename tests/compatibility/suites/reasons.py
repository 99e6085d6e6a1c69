"""Why a test of a client's own suite that passes on Kafka does not on penstock. Whatever is not here is a defect.

Keys are the beginning of the test's name as `module::Class::test`, by suite.
"""

from typing import Final

ONE_NODE: Final = "one node: there are no replicas to move and no leaders to vote on"
USERS_FILE: Final = "users are kept in a file that `penstock user` writes, not changed over Kafka"
SEEN_WHEN_SAFE: Final = (
    "with acks=1 the answer comes before the record is on disk, and only what is on disk can be read (decision 1): "
    "the test asks for the end a moment too early; a Kafka of three replicas would fail it too"
)

REASONS: Final[dict[str, dict[str, str]]] = {
    "kafka-python": {
        "test.integration.test_admin_integration::test_alter_replica_log_dirs": ONE_NODE,
        "test.integration.test_admin_integration::test_describe_metadata_quorum": ONE_NODE,
        "test.integration.test_admin_integration::test_alter_partition_reassignments": ONE_NODE,
        "test.integration.test_admin_integration::test_list_partition_reassignments": ONE_NODE,
        "test.integration.test_admin_integration::test_describe_topic_partitions": "clients use Metadata where DescribeTopicPartitions is missing",
        "test.integration.test_admin_integration::test_list_config_resources": "client metrics and groups have no settings here",
        "test.integration.test_consumer_integration::test_kafka_version_infer": "the client infers Kafka's version from APIs that are left out (share groups, KIP-848): it says 4.0",
    },
    "aiokafka": {
        "tests.test_consumer.TestConsumerIntegration::test_consumer_seek_to_end": SEEN_WHEN_SAFE,
        "tests.test_admin.TestAdmin::test_delete_records": SEEN_WHEN_SAFE,
    },
    "confluent-kafka": {
        "tests.integration.admin.test_user_scram_credentials::": USERS_FILE,
        "tests.integration.admin.test_incremental_alter_configs::": (
            "Kafka with eligible leader replicas keeps min.insync.replicas as a setting of the cluster, so it tells of it as "
            "not the default; here it is the default, and the rest of the test is as there"
        ),
    },
}
