"""The broker's options, in the words of Kafka's server configuration where it has one."""

from dataclasses import dataclass, field

from penstock.broker.ledger.options import LedgerOptions
from penstock.broker.queues.options import QueueOptions


@dataclass(frozen=True)
class BrokerOptions:
    """What a broker's owner may set."""

    auto_create_topics: bool = True
    """Whether a topic comes into being when a client asks for it by name."""

    default_partitions: int = 1
    """Partitions of a topic whose creator names no number."""

    partitions_max: int = 20_000
    """Partitions of all topics together above which no topic is created."""

    message_bytes_max: int = 1_048_588
    """The largest record batch a topic takes that sets no max.message.bytes."""

    fetch_bytes_max: int = 57_671_680
    """The most bytes one fetch is answered with, whatever the client allows."""

    offsets_partitions: int = 1
    """Partitions of __consumer_offsets; one, because more spread only over brokers and cost start time here."""

    offsets_retention_s: int = 7 * 24 * 3600
    """How long the offsets of a group without members are kept, in seconds."""

    offset_metadata_bytes_max: int = 4096
    """The longest text a client may attach to a committed offset."""

    group_initial_delay_ms: int = 100
    """How long a new group waits for more members before its first assignment; Kafka waits 3000 for a cluster's
    many hosts to start, on one machine a tenth of a second gathers those that start together."""

    group_session_timeout_min_ms: int = 6_000
    """The shortest session timeout a member may ask for."""

    group_session_timeout_max_ms: int = 1_800_000
    """The longest session timeout a member may ask for."""

    group_members_max: int = 10_000
    """The most members a group may have."""

    groups_max: int = 100_000
    """The most groups kept; further ones are refused."""

    groups_bytes_max: int = 128 * 1024 * 1024
    """Bytes that the members of all groups may hold in memory: what they say of themselves, their assignments, ids."""

    producers_max: int = 10_000
    """Idempotent producers remembered for each partition; the one longest silent is forgotten first."""

    producer_expiry_s: int = 24 * 3600
    """How long a silent idempotent producer is remembered, in seconds."""

    transaction_timeout_max_ms: int = 900_000
    """The longest transaction timeout a producer may ask for (Kafka's transaction.max.timeout.ms)."""

    transactional_id_expiry_s: int = 7 * 24 * 3600
    """How long a transactional id is remembered that nobody uses, in seconds."""

    transactional_ids_max: int = 100_000
    """The most transactional ids kept; further ones are refused."""

    queues: QueueOptions = field(default_factory=QueueOptions)
    """What queues, exchanges and bindings may take."""

    ledger: LedgerOptions = field(default_factory=LedgerOptions)
    """How the queues are kept."""
