"""What is kept beside the segments: the topics (`penstock.json`) and what is known to be whole (`checkpoint`).

`penstock.json` is the truth about topics and start offsets: it is replaced as a whole before anything depends on it.
`checkpoint` only saves work: without it every segment is read at the next start. Knows nothing of batches.
"""

import base64
import re

import msgspec

from penstock.calls import Bytes
from penstock.errors import PenstockError
from penstock.log.disk import Disk
from penstock.log.segments.index import Extent, Indexed
from penstock.log.settings import LogOptions, Settings, valid_name

FORMAT = 1
STATE_NAME = "penstock.json"
CHECKPOINT_NAME = "checkpoint"
IDENTITY_NAME = "partition.metadata"  # Kafka's name and format
DELETED = ".deleted"  # the end of names that are to be removed


_TOPIC_ID = re.compile(r"[0-9a-f]{32}")
_PARTITIONS_MAX = 1_000_000  # far above what a broker allows: a number beyond is damage


class TopicState(msgspec.Struct):
    """A topic as it is written down; `starts` holds the start offsets above zero, by partition."""

    name: str
    topic_id: str
    partitions: int
    configs: dict[str, str]
    internal: bool
    created_ms: int
    starts: dict[int, int] = {}


class State(msgspec.Struct):
    """All of `penstock.json`."""

    format: int
    cluster_id: str
    topics: list[TopicState]


class Sealed(msgspec.Struct, array_like=True, frozen=True):
    """A segment that is whole and safe, with its indexes."""

    base: int
    size: int
    end: int
    max_ms: int
    max_offset: int
    index: Extent
    times: Extent


class Point(msgspec.Struct, array_like=True, frozen=True):
    """Up to here a partition is known to be whole: in the segment `base`, `position` bytes, up to offset `end`."""

    base: int
    position: int
    end: int
    max_ms: int
    max_offset: int
    born_ms: int
    index: Extent
    times: Extent
    indexed: Indexed | None = None  # where the indexes end, if that is not `position`


class PartitionPoint(msgspec.Struct, array_like=True, frozen=True):
    """What is known of one partition."""

    sealed: list[Sealed]
    point: Point


class Checkpoint(msgspec.Struct):
    """All of `checkpoint`; the keys are `<topic id in hex>-<partition>`."""

    format: int
    partitions: dict[str, PartitionPoint]


class _Format(msgspec.Struct):
    format: int


def load_state(disk: Disk) -> State | None:
    """The topics; None in an empty data directory.

    Raises PenstockError for a newer format, a damaged file, or data without one.
    """
    content = _content(disk, STATE_NAME)
    if content is None:
        if any(size < 0 and name.rpartition("-")[2].isdigit() for name, size in disk.listing("").items()):
            raise PenstockError(
                f"the directory holds partitions but no {STATE_NAME}",
                remedy=f"restore {STATE_NAME} from a backup, or choose an empty directory with --data-dir",
                place=disk.place,
            )
        return None
    try:
        found = msgspec.json.decode(content, type=_Format).format
        if found <= FORMAT:
            state = msgspec.json.decode(content, type=State)
            _validate(state)
            return state
    except (msgspec.MsgspecError, ValueError) as error:
        raise PenstockError(
            f"{STATE_NAME} is damaged: {error}", remedy="restore it from a backup", place=disk.place
        ) from None
    raise PenstockError(
        f"the data directory has format {found}, this penstock knows formats up to {FORMAT}",
        remedy="use the newer penstock that wrote it, or choose another directory with --data-dir",
        place=disk.place,
    )


def _validate(state: State) -> None:
    """Raises ValueError for a topic that no penstock wrote: what it says would lead to files elsewhere, or to none."""
    names: set[str] = set()
    ids: set[str] = set()
    for topic in state.topics:
        if not valid_name(topic.name) or topic.name in names:
            raise ValueError(f"a topic cannot be named {topic.name!r}, or is there twice")
        if not _TOPIC_ID.fullmatch(topic.topic_id) or topic.topic_id in ids:
            raise ValueError(f"topic {topic.name}: the id {topic.topic_id!r} is none, or is another's")
        if not 1 <= topic.partitions <= _PARTITIONS_MAX:
            raise ValueError(f"topic {topic.name} has {topic.partitions} partitions")
        for index, start in topic.starts.items():
            if not 0 <= index < topic.partitions or not 0 <= start < 2**63:
                raise ValueError(f"topic {topic.name}: partition {index} starts at offset {start}")
        try:
            Settings(topic.configs, LogOptions())
        except ValueError as error:
            raise ValueError(f"topic {topic.name}: a setting cannot be read: {error}") from None
        names.add(topic.name)
        ids.add(topic.topic_id)


def load_checkpoint(disk: Disk) -> dict[str, PartitionPoint]:
    """What is known to be whole; {} where nothing is, or where it cannot be read."""
    content = _content(disk, CHECKPOINT_NAME)
    try:
        checkpoint = msgspec.json.decode(content, type=Checkpoint) if content else None
    except msgspec.MsgspecError:
        return {}
    return checkpoint.partitions if checkpoint and checkpoint.format == FORMAT else {}


def replace(disk: Disk, name: str, content: Bytes) -> None:
    """Put `content` in place of the file, so that a crash leaves either the old one or the new one."""
    fd = disk.open(name + ".tmp", create=True)
    try:
        disk.truncate(fd, 0)
        disk.write(fd, content, 0)
        disk.sync(fd)
    finally:
        disk.close(fd)
    disk.rename(name + ".tmp", name)
    disk.sync_folder(name.rpartition("/")[0])


def identity(topic_id: bytes) -> bytes:
    """The content of a partition's `partition.metadata`: which topic, of all that had the name, it belongs to."""
    text = base64.urlsafe_b64encode(topic_id).decode().rstrip("=")
    return f"version: 0\ntopic_id: {text}".encode()


def _content(disk: Disk, name: str) -> bytes | None:
    try:
        fd = disk.open(name)
    except FileNotFoundError:
        return None
    try:
        return disk.read(fd, 1 << 30, 0)
    finally:
        disk.close(fd)
