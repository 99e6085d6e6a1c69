"""The table from (call, refusal) to Kafka's error code, with a default per refusal.

Knows the codes (kio's ErrorCode, from Kafka's Errors.java); knows no API and no version.
"""

from typing import Any, Final, TypeAlias

from kio.schema.errors import ErrorCode as E

from penstock import calls as c
from penstock.errors import Refusal, Refused

OF_QUEUES: Final = (
    Refusal.NO_VHOST, Refusal.NO_EXCHANGE, Refusal.NO_QUEUE, Refusal.NO_EXCHANGE_KIND, Refusal.PRECONDITION,
    Refusal.LOCKED, Refusal.IN_USE, Refusal.CONSUMER_TAG_TAKEN, Refusal.TOO_MANY_CONSUMERS, Refusal.VHOST_NOT_ALLOWED,
    Refusal.EXCHANGE_NOT_ALLOWED, Refusal.QUEUE_NOT_ALLOWED,
)  # fmt: skip
"""What no call that Kafka's clients can make is declined for."""

CODES: Final = {
    **dict.fromkeys(OF_QUEUES, E.unknown_server_error),
    Refusal.NO_TOPIC: E.unknown_topic_or_partition,
    Refusal.OTHER_TOPIC: E.inconsistent_topic_id,
    Refusal.TOPIC_EXISTS: E.topic_already_exists,
    Refusal.BAD_TOPIC_NAME: E.invalid_topic_exception,
    Refusal.BAD_PARTITION_COUNT: E.invalid_partitions,
    Refusal.BAD_REPLICATION: E.invalid_replication_factor,
    Refusal.BAD_CONFIG: E.invalid_config,
    Refusal.READ_ONLY: E.invalid_request,
    Refusal.POLICY: E.policy_violation,
    Refusal.BAD_ASSIGNMENT: E.invalid_replica_assignment,
    Refusal.NOT_NEEDED: E.election_not_needed,
    Refusal.STALE_EPOCH: E.fenced_leader_epoch,
    Refusal.UNKNOWN_EPOCH: E.unknown_leader_epoch,
    Refusal.SUBSCRIBED: E.group_subscribed_to_topic,
    Refusal.BAD_REQUEST: E.invalid_request,
    Refusal.TOO_LARGE: E.message_too_large,
    Refusal.OVER_SEGMENT: E.record_list_too_large,
    Refusal.BAD_RECORD: E.invalid_record,
    Refusal.CORRUPT: E.corrupt_message,
    Refusal.BAD_TIMESTAMP: E.invalid_timestamp,
    Refusal.BAD_ACKS: E.invalid_required_acks,
    Refusal.OFFSET_OUT_OF_RANGE: E.offset_out_of_range,
    Refusal.UNSUPPORTED_BATCH: E.invalid_record,
    Refusal.UNSUPPORTED_COMPRESSION: E.unsupported_compression_type,
    Refusal.UNSUPPORTED_VERSION: E.unsupported_version,
    Refusal.UNSUPPORTED: E.unsupported_version,
    Refusal.NOT_ALLOWED: E.topic_authorization_failed,
    Refusal.GROUP_NOT_ALLOWED: E.group_authorization_failed,
    Refusal.CLUSTER_NOT_ALLOWED: E.cluster_authorization_failed,
    Refusal.TRANSACTIONAL_ID_NOT_ALLOWED: E.transactional_id_authorization_failed,
    Refusal.LOGIN_FAILED: E.sasl_authentication_failed,
    Refusal.BUSY: E.request_timed_out,
    Refusal.BAD_GROUP: E.invalid_group_id,
    Refusal.UNKNOWN_MEMBER: E.unknown_member_id,
    Refusal.MEMBER_ID_REQUIRED: E.member_id_required,
    Refusal.FENCED_MEMBER: E.fenced_instance_id,
    Refusal.STALE_GENERATION: E.illegal_generation,
    Refusal.REBALANCING: E.rebalance_in_progress,
    Refusal.PROTOCOL_MISMATCH: E.inconsistent_group_protocol,
    Refusal.BAD_SESSION_TIMEOUT: E.invalid_session_timeout,
    Refusal.GROUP_NOT_EMPTY: E.non_empty_group,
    Refusal.NO_GROUP: E.group_id_not_found,
    # What Kafka's coordinator makes of a record that is too large for its topic.
    Refusal.GROUP_TOO_LARGE: E.unknown_server_error,
    Refusal.GROUP_FULL: E.group_max_size_reached,
    Refusal.METADATA_TOO_LARGE: E.offset_metadata_too_large,
    Refusal.OUT_OF_ORDER_SEQUENCE: E.out_of_order_sequence_number,
    Refusal.DUPLICATE_SEQUENCE: E.duplicate_sequence_number,
    Refusal.STALE_PRODUCER_EPOCH: E.invalid_producer_epoch,
    Refusal.UNKNOWN_PRODUCER: E.unknown_producer_id,
    Refusal.PRODUCER_FENCED: E.producer_fenced,
    Refusal.NO_SUCH_PRODUCER: E.invalid_producer_id_mapping,
    Refusal.CONCURRENT_TRANSACTIONS: E.concurrent_transactions,
    Refusal.BAD_TRANSACTION_STATE: E.invalid_txn_state,
    Refusal.NOT_IN_TRANSACTION: E.invalid_txn_state,
    Refusal.BAD_TRANSACTION_TIMEOUT: E.invalid_transaction_timeout,
    Refusal.NO_TRANSACTIONAL_ID: E.transactional_id_not_found,
    Refusal.TOO_MANY_TRANSACTIONAL_IDS: E.policy_violation,
    Refusal.NOT_ATTEMPTED: E.operation_not_attempted,
    Refusal.TIMED_OUT: E.request_timed_out,
    Refusal.DISK_FULL: E.kafka_storage_error,
    Refusal.DISK_FAILED: E.kafka_storage_error,
    # Clients look for the leader again and retry, which is what a restart wants of them.
    Refusal.SHUTTING_DOWN: E.not_leader_or_follower,
}

TEXT_CHARACTERS_MAX: Final = 1000

Call: TypeAlias = type[c.Call]
GROUP_CALLS: Final[tuple[Call, ...]] = (
    c.JoinGroup,
    c.SyncGroup,
    c.Heartbeat,
    c.LeaveGroup,
    c.CommitOffsets,
    c.FetchOffsets,
    c.ListGroups,
    c.DescribeGroups,
    c.DeleteGroups,
    c.DeleteOffsets,
)

COORDINATED: Final[tuple[Call, ...]] = (
    *GROUP_CALLS,
    c.InitProducer,
    c.AddPartitions,
    c.AddGroup,
    c.CommitOffsetsLater,
    c.EndTransaction,
    c.DescribeTransactions,
    c.ListTransactions,
)

# Where Kafka's GroupCoordinator and KafkaApis answer otherwise than the default.
OVERRIDES: Final[dict[tuple[Call, Refusal], E]] = {
    **{(call, Refusal.SHUTTING_DOWN): E.coordinator_not_available for call in COORDINATED},
    **{(call, Refusal.DISK_FULL): E.coordinator_not_available for call in COORDINATED},
    **{(call, Refusal.DISK_FAILED): E.coordinator_not_available for call in COORDINATED},
    # KIP-890: what an older client would take for fatal is told as something that it tries again.
    (c.Append, Refusal.CONCURRENT_TRANSACTIONS): E.not_enough_replicas,
    (c.CommitOffsets, Refusal.TIMED_OUT): E.coordinator_not_available,
    (c.CreateTopics, Refusal.SHUTTING_DOWN): E.not_controller,
    (c.DeleteTopics, Refusal.SHUTTING_DOWN): E.not_controller,
    (c.DescribeTopics, Refusal.SHUTTING_DOWN): E.leader_not_available,
}


def code(call: Call, result: Any) -> int:
    """The error code of a call's result: 0 unless it is `Refused`."""
    if not isinstance(result, Refused):
        return 0
    return OVERRIDES.get((call, result.reason), CODES[result.reason])


def fenced_before(old: bool, call: Call, result: Any) -> int:
    """As `code`; an `old` version of the request knows INVALID_PRODUCER_EPOCH in place of PRODUCER_FENCED (KIP-588)."""
    error = code(call, result)
    return E.invalid_producer_epoch if old and error == E.producer_fenced else error


def text(result: Any) -> str | None:
    """The error message of a call's result, for the responses that carry one; shortened, as it may quote the client."""
    return result.message[:TEXT_CHARACTERS_MAX] if isinstance(result, Refused) else None
