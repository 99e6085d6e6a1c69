"""The records of `__consumer_offsets`, in Kafka's own format, so that Kafka's tools read them.

Key version 1: int16 1 · string group · string topic · int32 partition. Value version 3: int16 3 · int64 offset ·
int32 leader epoch · string metadata · int64 commit time; no value is a tombstone. Older values are read too;
keys of version 2 (a group's membership) and newer ones are not ours. Knows bytes; knows no log.
"""

import struct
from dataclasses import dataclass, field

from penstock.record import Record

KEY_VERSIONS = (0, 1)
VALUE_VERSION = 3
_SHORT, _INT, _LONG = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class Stored:
    """A committed position; `leader_epoch` is -1 where unknown. `at` is its record's own offset: the later one holds."""

    offset: int
    leader_epoch: int
    metadata: str
    commit_ms: int
    at: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Key:
    """Whose position in what."""

    group: str
    topic: str
    partition: int


def encode(key: Key, stored: Stored | None, now_ms: int) -> Record:
    """The record of a commit, or a tombstone for it."""
    packed = _SHORT.pack(1) + _text(key.group) + _text(key.topic) + _INT.pack(key.partition)
    if stored is None:
        return Record(packed, None, now_ms)
    value = _SHORT.pack(VALUE_VERSION) + _LONG.pack(stored.offset) + _INT.pack(stored.leader_epoch)
    return Record(packed, value + _text(stored.metadata) + _LONG.pack(stored.commit_ms), now_ms)


def decode_key(data: bytes) -> Key | None:
    """The key of a commit, None for any other record. Raises ValueError for one that is cut."""
    reader = _Reader(data)
    if reader.number(_SHORT) not in KEY_VERSIONS:
        return None
    return Key(reader.text(), reader.text(), reader.number(_INT))


def decode_value(data: bytes) -> Stored:
    """Versions 0 to 3. Raises ValueError for a newer or a cut one."""
    reader = _Reader(data)
    version = reader.number(_SHORT)
    if not 0 <= version <= VALUE_VERSION:
        raise ValueError(f"committed offsets of version {version} are newer than this penstock")
    offset = reader.number(_LONG)
    epoch = reader.number(_INT) if version == 3 else -1
    return Stored(offset, epoch, reader.text(), reader.number(_LONG))


def _text(text: str) -> bytes:
    data = text.encode()
    return _SHORT.pack(len(data)) + data


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, form: struct.Struct) -> int:
        begin, self._at = self._at, self._at + form.size
        if self._at > len(self._data):
            raise ValueError("a record of committed offsets is cut short")
        return int(form.unpack_from(self._data, begin)[0])

    def text(self) -> str:
        size = self.number(_SHORT)
        begin, self._at = self._at, self._at + size
        if size < 0 or self._at > len(self._data):
            raise ValueError("a record of committed offsets is cut short")
        return self._data[begin : self._at].decode()
