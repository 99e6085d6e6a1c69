"""Every wish a client can have, and every answer it can get, in no protocol's words.

Gateways turn bytes into calls and results into bytes; the broker answers calls. Each call carries its principal;
permission hangs on the call's type. A call may be answered at once, by a `Later`, or by `Refused`.
Knows nothing of protocols, sockets or disks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from penstock.errors import Refused

Bytes: TypeAlias = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `name` is the user (``ANONYMOUS`` until users are configured); `host` the peer's address."""

    name: str = "ANONYMOUS"
    host: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What every call carries."""

    principal: Principal


# --- records ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AppendPart:
    """Record batches (format v2, one after the other, as the producer sent them) for one partition."""

    topic: str
    partition: int
    batches: Bytes


@dataclass(frozen=True, slots=True)
class Append(Call):
    """Write to one or more partitions. Answer: one `Appended | Refused` a part, in order.

    `acks` is 0, 1 or -1; with -1 the answer comes when the bytes are on disk.
    """

    parts: tuple[AppendPart, ...]
    acks: int = -1
    timeout_ms: int = 30_000
    transactional_id: str | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the first record of the part went; `append_ms` is -1 unless the topic uses LogAppendTime."""

    base_offset: int
    append_ms: int = -1
    start_offset: int = 0


@dataclass(frozen=True, slots=True)
class FetchPart:
    """Read from `offset` on, at most `bytes_max`."""

    topic: str
    partition: int
    offset: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Fetch(Call):
    """Read record batches; waits up to `wait_ms` for `bytes_min` bytes in all. Answer: one `Fetched | Refused` a part.

    The first non-empty part may exceed the limits by one batch, so that a reader always gets on (KIP-74).
    """

    parts: tuple[FetchPart, ...]
    bytes_min: int = 1
    bytes_max: int = 50 * 1024 * 1024
    wait_ms: int = 500
    committed_only: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """Whole record batches as stored; the first may begin before the asked offset."""

    batches: Bytes
    high_watermark: int
    start_offset: int
    stable_offset: int


EARLIEST = -2
LATEST = -1
MAX_TIMESTAMP = -3


@dataclass(frozen=True, slots=True)
class OffsetsPart:
    """`timestamp_ms` is a time, or EARLIEST, LATEST or MAX_TIMESTAMP."""

    topic: str
    partition: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class ListOffsets(Call):
    """The first offset at or after a time. Answer: one `FoundOffset | Refused` a part."""

    parts: tuple[OffsetsPart, ...]
    committed_only: bool = False


@dataclass(frozen=True, slots=True)
class FoundOffset:
    """Offset and timestamp are -1 where no record is that young."""

    offset: int
    timestamp_ms: int
    leader_epoch: int = 0


# --- topics ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as clients see it; `topic_id` is a UUID's 16 bytes."""

    name: str
    topic_id: bytes
    partitions: int
    internal: bool = False


@dataclass(frozen=True, slots=True)
class DescribeTopics(Call):
    """`names` of None means all; unknown ones are created where `create` says so and auto-creation is on.

    Answer: one `TopicInfo | Refused` a name. `topic_ids` may be asked for instead of names (16 bytes each).
    """

    names: tuple[str, ...] | None = None
    topic_ids: tuple[bytes, ...] = ()
    create: bool = False


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to create; `partitions` and `replicas` of -1 mean the broker's default."""

    name: str
    partitions: int = -1
    replicas: int = -1
    configs: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateTopics(Call):
    """Answer: one `TopicInfo | Refused` a topic. With `check_only` nothing is created."""

    topics: tuple[NewTopic, ...]
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class DeleteTopics(Call):
    """By name, or by topic id where the name is empty. Answer: one `TopicInfo | Refused` a topic."""

    names: tuple[str, ...] = ()
    topic_ids: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One setting of a topic or of the broker; `source` is Kafka's ConfigSource (1 topic, 4 static, 5 default)."""

    name: str
    value: str | None
    source: int = 5
    read_only: bool = False
    sensitive: bool = False
    type: int = 0
    doc: str = ""


@dataclass(frozen=True, slots=True)
class DescribeConfigs(Call):
    """`resources` are (kind, name): kind ``topic`` or ``broker``; `keys` of None means all.

    Answer: one `tuple[ConfigEntry, ...] | Refused` a resource.
    """

    resources: tuple[tuple[str, str, tuple[str, ...] | None], ...]


# --- the cluster -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DescribeCluster(Call):
    """Answer: `ClusterInfo`."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """The one node. `host` and `port` are what the asking listener advertises; a gateway fills them in."""

    cluster_id: str
    node_id: int = 1


# --- producers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InitProducer(Call):
    """A producer id for an idempotent producer. Answer: `ProducerIdentity | Refused`."""

    transactional_id: str | None = None
    transaction_timeout_ms: int = 60_000
    producer_id: int = -1
    producer_epoch: int = -1


@dataclass(frozen=True, slots=True)
class ProducerIdentity:
    """What an idempotent producer stamps on its batches."""

    producer_id: int
    producer_epoch: int


# --- groups (the classic protocol) -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JoinGroup(Call):
    """Answer: `Joined | Refused`, later, when the rebalance has gathered its members.

    `require_known_member` is KIP-394: a first join gets MEMBER_ID_REQUIRED with the id to use in `detail`.
    `can_skip_assignment` is KIP-814: the client (JoinGroup from version 9) knows `Joined.skip_assignment`.
    """

    group: str
    member_id: str
    instance_id: str | None
    protocol_type: str
    protocols: tuple[tuple[str, bytes], ...]
    session_timeout_ms: int
    rebalance_timeout_ms: int
    require_known_member: bool = False
    reason: str = ""
    can_skip_assignment: bool = False


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One member as its leader or an admin sees it."""

    member_id: str
    instance_id: str | None
    metadata: bytes
    assignment: bytes = b""
    client_id: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """`members` is empty for all but the leader."""

    generation: int
    protocol_type: str
    protocol: str
    leader: str
    member_id: str
    members: tuple[GroupMember, ...] = ()
    skip_assignment: bool = False


@dataclass(frozen=True, slots=True)
class SyncGroup(Call):
    """Answer: `Synced | Refused`, later, when the leader has handed out its assignment."""

    group: str
    member_id: str
    instance_id: str | None
    generation: int
    assignments: tuple[tuple[str, bytes], ...] = ()
    protocol_type: str | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class Synced:
    """What this member was assigned."""

    assignment: bytes
    protocol_type: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Heartbeat(Call):
    """Answer: None, or `Refused` (REBALANCING: join again)."""

    group: str
    member_id: str
    instance_id: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class LeaveGroup(Call):
    """`members` are (member id, instance id). Answer: one `None | Refused` a member, or `Refused` for all."""

    group: str
    members: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class OffsetCommit:
    """A group's position in one partition; `leader_epoch` is -1 where unknown."""

    topic: str
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class CommitOffsets(Call):
    """`generation` of -1 with an empty member id is a simple consumer. Answer: one `None | Refused` a commit, later."""

    group: str
    member_id: str
    instance_id: str | None
    generation: int
    commits: tuple[OffsetCommit, ...]


@dataclass(frozen=True, slots=True)
class FetchOffsets(Call):
    """`parts` of None means all the group has. Answer: one `OffsetCommit` a part (offset -1: none), or `Refused`."""

    group: str
    parts: tuple[tuple[str, int], ...] | None
    require_stable: bool = False


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A group as admins see it; `state` is Kafka's name (Stable, Empty, PreparingRebalance, …)."""

    group: str
    state: str
    protocol_type: str
    protocol: str = ""
    members: tuple[GroupMember, ...] = ()


@dataclass(frozen=True, slots=True)
class ListGroups(Call):
    """Answer: a tuple of `GroupInfo` without members."""

    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DescribeGroups(Call):
    """Answer: one `GroupInfo` a group (state Dead where unknown) or `Refused`."""

    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteGroups(Call):
    """Answer: one `None | Refused` a group."""

    groups: tuple[str, ...]


Answers: TypeAlias = Sequence[object | Refused]
