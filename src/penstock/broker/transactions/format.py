"""Records of `__transaction_state` in Kafka's own format: TransactionLogKey 0, TransactionLogValue 0 and 1.

Written is version 1, with two tagged fields of ours (KIP-482: who does not know them passes over them): the last epoch,
and per topic the partitions' ends when they were added. Knows bytes; knows no log.
"""

import struct

from penstock.broker.transactions.transaction import Part, Phase, Transaction
from penstock.record import Record

KEY_VERSION, VALUE_VERSION = 0, 1
PREVIOUS_ID_TAG, OUR_TAG = 0, 10_000
NAME_BYTES_MAX = 2**15 - 1
_PHASES = {phase.number: phase for phase in Phase}
_BYTE, _SHORT, _INT, _LONG = (struct.Struct(form) for form in (">b", ">h", ">i", ">q"))


def encode_key(name: str) -> bytes:
    """The key of a transactional id, of at most `NAME_BYTES_MAX` bytes."""
    data = name.encode()
    return _SHORT.pack(KEY_VERSION) + _SHORT.pack(len(data)) + data


def encode(transaction: Transaction, now_ms: int) -> Record:
    """The record that says how far the transactional id is."""
    t = transaction
    value = _SHORT.pack(VALUE_VERSION) + struct.pack(
        ">qhib", t.producer_id, t.epoch, t.timeout_ms, t.phase.number
    )
    value += _parts(t) + _LONG.pack(t.update_ms) + _LONG.pack(t.start_ms)
    tags = [(OUR_TAG, _SHORT.pack(t.last_epoch))]
    if t.previous_id >= 0:
        tags.insert(0, (PREVIOUS_ID_TAG, _LONG.pack(t.previous_id)))
    return Record(encode_key(t.name), value + _tags(tags), now_ms)


def tombstone(name: str, now_ms: int) -> Record:
    """The record that forgets a transactional id."""
    return Record(encode_key(name), None, now_ms)


def decode_key(data: bytes) -> str | None:
    """The transactional id; None for a key of another version. Raises ValueError for one that is cut."""
    reader = _Reader(data)
    return reader.text(reader.number(_SHORT)) if reader.number(_SHORT) == KEY_VERSION else None


def decode(name: str, data: bytes) -> Transaction:
    """Versions 0 and 1. Raises ValueError for a newer or a damaged one."""
    reader = _Reader(data)
    version = reader.number(_SHORT)
    if version not in (0, 1):
        raise ValueError(f"transactional ids of version {version} are newer than this penstock")
    producer_id, epoch, timeout_ms = reader.number(_LONG), reader.number(_SHORT), reader.number(_INT)
    phase = _PHASES.get(reader.number(_BYTE))
    if phase is None:
        raise ValueError("a transactional id in an unknown state")
    parts = _parts_v0(reader) if version == 0 else _parts_v1(reader)
    update_ms, start_ms = reader.number(_LONG), reader.number(_LONG)
    tags = reader.tags() if version == 1 else {}
    previous_id = _LONG.unpack(tags.get(PREVIOUS_ID_TAG, b"\xff" * 8))[0]
    last_epoch = _SHORT.unpack(tags.get(OUR_TAG, b"\xff" * 2))[0]
    return Transaction(
        name, producer_id, timeout_ms, epoch, last_epoch, previous_id, phase, parts, start_ms, update_ms
    )


def _parts(transaction: Transaction) -> bytes:
    if transaction.phase is Phase.EMPTY:
        return _uvarint(0)
    topics: dict[str, list[Part]] = {}
    for part in transaction.parts:
        topics.setdefault(part[0], []).append(part)
    out = _uvarint(len(topics) + 1)
    for topic, parts in topics.items():
        name = topic.encode()
        out += _uvarint(len(name) + 1) + name + _uvarint(len(parts) + 1)
        out += b"".join(_INT.pack(index) for _, index in parts)
        out += _tags([(OUR_TAG, b"".join(_LONG.pack(transaction.parts[part]) for part in parts))])
    return out


def _parts_v0(reader: "_Reader") -> dict[Part, int]:
    parts: dict[Part, int] = {}
    for _ in range(reader.number(_INT)):
        topic = reader.text(reader.number(_SHORT))
        parts |= dict.fromkeys([(topic, reader.number(_INT)) for _ in range(reader.number(_INT))], 0)
    return parts


def _parts_v1(reader: "_Reader") -> dict[Part, int]:
    parts: dict[Part, int] = {}
    for _ in range(reader.uvarint() - 1):
        topic = reader.text(reader.uvarint() - 1)
        indexes = [reader.number(_INT) for _ in range(reader.uvarint() - 1)]
        ends = [end for (end,) in _LONG.iter_unpack(reader.tags().get(OUR_TAG, bytes(8 * len(indexes))))]
        parts |= {(topic, index): end for index, end in zip(indexes, ends, strict=True)}
    return parts


def _tags(tags: list[tuple[int, bytes]]) -> bytes:
    out = _uvarint(len(tags))
    for tag, data in tags:
        out += _uvarint(tag) + _uvarint(len(data)) + data
    return out


def _uvarint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, form: struct.Struct) -> int:
        return int(form.unpack(self.take(form.size))[0])

    def take(self, size: int) -> bytes:
        begin, self._at = self._at, self._at + size
        if size < 0 or self._at > len(self._data):
            raise ValueError("a record of a transactional id is cut short")
        return self._data[begin : self._at]

    def text(self, size: int) -> str:
        return self.take(size).decode()

    def uvarint(self) -> int:
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def tags(self) -> dict[int, bytes]:
        return {self.uvarint(): self.take(self.uvarint()) for _ in range(self.uvarint())}
