"""Calls that make, show and delete topics and their settings, and what the one node says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.calls.call import Call


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
class MorePartitions:
    """A topic that shall have `total` partitions; `assigned` new ones were given a node, None: the broker chooses."""

    name: str
    total: int
    assigned: int | None = None


@dataclass(frozen=True, slots=True)
class CreatePartitions(Call):
    """Answer: one `TopicInfo | Refused` a topic. With `check_only` nothing is changed."""

    topics: tuple[MorePartitions, ...]
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class DeletePart:
    """Delete the records below `offset`; -1 is the high watermark."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeleteRecords(Call):
    """Answer: one new start offset (int) or `Refused` a part."""

    parts: tuple[DeletePart, ...]


@dataclass(frozen=True, slots=True)
class EpochPart:
    """Where `epoch` ended. `known_epoch` is the leader epoch the client believes to be the current one, -1: none."""

    topic: str
    partition: int
    epoch: int
    known_epoch: int = -1


@dataclass(frozen=True, slots=True)
class FindEpochs(Call):
    """Answer: one `EpochEnd | Refused` a part."""

    parts: tuple[EpochPart, ...]


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The largest epoch up to the asked one, and the offset after its last record; -1 and -1 where there is none."""

    epoch: int
    end_offset: int


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One setting of a topic or of the broker; `source` is Kafka's ConfigSource (1 topic, 4 static, 5 default).

    `below` is the broker's setting that holds where a topic has none: (name, value, source).
    """

    name: str
    value: str | None
    source: int = 5
    read_only: bool = False
    sensitive: bool = False
    type: int = 0
    doc: str = ""
    below: tuple[str, str, int] | None = None


@dataclass(frozen=True, slots=True)
class DescribeConfigs(Call):
    """`resources` are (kind, name): kind ``topic`` or ``broker``; `keys` of None means all.

    Answer: one `tuple[ConfigEntry, ...] | Refused` a resource.
    """

    resources: tuple[tuple[str, str, tuple[str, ...] | None], ...]


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """Change one setting: `how` is ``set``, ``delete``, ``append`` or ``subtract`` (the latter two for lists)."""

    name: str
    value: str | None
    how: str = "set"


@dataclass(frozen=True, slots=True)
class AlteredResource:
    """What to change of the resource (`kind` ``topic`` or ``broker``); with `replace` all that is not named goes."""

    kind: str
    name: str
    changes: tuple[ConfigChange, ...]
    replace: bool = False


@dataclass(frozen=True, slots=True)
class AlterConfigs(Call):
    """Answer: one `None | Refused` a resource. With `check_only` nothing is changed."""

    resources: tuple[AlteredResource, ...]
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class DescribeStorage(Call):
    """What the data directory holds; `parts` are (topic, partition), None means all. Answer: `Storage`."""

    parts: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """The data directory: `parts` are (topic, partition, bytes); of the file system all bytes and the free ones."""

    place: str
    parts: tuple[tuple[str, int, int], ...]
    bytes_total: int = -1
    bytes_free: int = -1


@dataclass(frozen=True, slots=True)
class DescribeCluster(Call):
    """Answer: `ClusterInfo`."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """The one node. `host` and `port` are what the asking listener advertises; a gateway fills them in."""

    cluster_id: str
    node_id: int = 1
