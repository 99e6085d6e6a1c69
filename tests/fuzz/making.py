"""Makes requests of any API and version from the layouts, with values that mostly mean something, and spoils them.

What answers tell (producer ids, members, topic ids) is learnt, so that later requests get deep. Knows no broker.
"""

import random
import struct
from collections.abc import Callable
from typing import Any

from penstock.record import Record, encode, info_at, stamp_append_time
from penstock.wire.kafka import api as _apis  # noqa: F401  # importing the folder fills the registry
from penstock.wire.kafka.codec import request_type
from penstock.wire.kafka.encode import encode as encode_message
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.shape import Shape, Slot, shape_of

OFFERS = [(api.key, v) for api in OFFERED.values() for v in range(api.lowest, api.highest + 1)]
SASL = (17, 36)
DEEP = (0, 1, 8, 9, 11, 11, 11, 12, 13, 14, 14, 14, 22, 22, 24, 24, 24, 25, 26, 26, 28)
"""APIs that need others before them to get far: asked for more often."""
EDGES = {
    "int8": (-128, -1, 0, 1, 127), "int16": (-(2**15), -1, 0, 1, 2**15 - 1), "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), -2, -1, 0, 1, 2**31 - 1), "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), -2, -1, 0, 1, 2**31, 2**63 - 1), "uint64": (0, 2**64 - 1),
    "float64": (0.0, -1.0, float("inf"), float("nan")), "bool": (False, True),
}  # fmt: skip
TOPICS = (*"tttttuuuccc", "gone", "new", "__consumer_offsets", "__transaction_state")
ODD_TEXTS = ("", "x", "é", "a/b", "..", "x" * 249, "x" * 250, "x" * 5000, "\0", "a b")
GROUPS = ("g", "g", "g", "h", "k")
IDS = ("w0", "w1", "w2")
CONFIGS = (
    ("cleanup.policy", "compact"), ("cleanup.policy", "delete"), ("cleanup.policy", "compact,delete"),
    ("retention.ms", "1"), ("retention.bytes", "100"), ("segment.bytes", "1048576"), ("segment.ms", "1"),
    ("max.message.bytes", "200"), ("max.message.bytes", "1048588"), ("message.timestamp.type", "LogAppendTime"),
    ("min.cleanable.dirty.ratio", "0"), ("compression.type", "gzip"), ("compression.type", "producer"),
    ("delete.retention.ms", "0"), ("min.compaction.lag.ms", "9223372036854775807"), ("no.such", "1"),
    ("retention.ms", "x"), ("retention.ms", None), ("retention.ms", "-1"),
)  # fmt: skip
NUMBERS: dict[str, tuple[int, ...]] = {
    "partition": (0, 0, 0, 1, 2), "partition_index": (0, 0, 0, 1, 2), "index": (0, 0, 0, 1, 2),
    "partitions": (0, 0, 1, 2), "partition_indexes": (0, 0, 1, 2), "offset": (-1, 0, 1, 5), "acks": (-1, -1, -1, 0, 1),
    "fetch_offset": (0, 0, 1, 3, 10), "committed_offset": (0, 1, 5), "timestamp": (-1, -2, -3, -4, 0, 1_700_000_000_000),
    "timeout": (0, 100, 30_000), "session_timeout": (6_000, 10_000), "rebalance_timeout": (0, 1_000, 60_000),
    "transaction_timeout": (1, 1_000, 60_000), "max_wait": (0, 0, 10, 500), "min_bytes": (0, 1, 1, 1000),
    "max_bytes": (0, 1, 1000, 1 << 20), "partition_max_bytes": (0, 1, 1000, 1 << 20),
    "session_epoch": (-1, -1, 0, 0, 1, 2), "current_leader_epoch": (-1, -1, -1, 0, 0, 1), "leader_epoch": (0, 1),
    "last_fetched_epoch": (-1, -1, 0), "replica_id": (*[-1] * 20, 0), "isolation_level": (0, 1), "num_partitions": (-1, 1, 2, 3),
    "replication_factor": (-1, 1, 1, 2), "count": (1, 2, 3, 4), "resource_type": (2, 2, 2, 4, 8), "key_type": (0, 1),
    "config_operation": (0, 1, 2, 3), "endpoint_type": (1, 1, 2), "retention_time": (-1, 1000), "broker_ids": (1, 1, 0),
    "committed_leader_epoch": (-1, 0), "duration_filter": (-1, 0, 1000), "election_type": (0, 1),
    "replica_epoch": (-1, 0), "log_start_offset": (-1, 0), "member_epoch": (-1, 0),
}  # fmt: skip
TEXTS: dict[str, tuple[str | None, ...]] = {
    "topic": TOPICS, "topic_names": TOPICS, "group_id": GROUPS, "groups": GROUPS, "groups_names": ("k", "h"),
    "group_instance_id": (None, None, "i0", "i1"), "transactional_ids": IDS, "coordinator_keys": GROUPS, "key": GROUPS,
    "protocol_type": (*["consumer"] * 20, "connect"), "protocol_name": (None, "range"), "reason": (None, "bye"),
    "configuration_keys": tuple(name for name, _ in CONFIGS), "state_filters": ("Ongoing", "Empty", "odd"),
    "states_filter": ("Stable", "Empty", "odd"), "types_filter": ("classic", "consumer", "odd"), "mechanism": ("PLAIN",),
    "resource_name": (*TOPICS, "1", ""), "rack_id": ("",), "committed_metadata": ("", "note"),
}  # fmt: skip


class Maker:
    """One seed's requests. `learnt` is filled by whoever reads the answers."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.producers: list[tuple[str | None, int, int]] = [(None, -1, -1)]
        self.members: list[tuple[str, str, int]] = [("g", "", -1)]
        self.topic_ids = [bytes(16), b"\1" * 16]
        self.sessions = [0]
        self.numbers = 0
        self.odd = 0.0

    def request(self) -> tuple[bytes, int, int, dict[str, Any]]:
        """(whole frame, API key, version, row); half of them are sober, the others have odd values."""
        key, version = self.chance.choice(OFFERS)
        while key in SASL and self.chance.random() < 0.9:
            key, version = self.chance.choice(OFFERS)
        if self.chance.random() < 0.5:
            key = self.chance.choice(DEEP)
            version = self.chance.randint(OFFERED[key].lowest, OFFERED[key].highest)
        self.odd = self.chance.choice((0.0, 0.0, 0.05, 0.2))
        shape = shape_of(request_type(key, version))
        row = self.row(shape)
        body = encode_message(request_type(key, version), row)
        return self.framed(key, version, body), key, version, row

    def framed(self, key: int, version: int, body: bytes) -> bytes:
        self.numbers += 1
        flexible = request_type(key, version).__header_schema__.__version__ == 2
        head = struct.pack(">hhih", key, version, self.numbers, 4) + b"fuzz" + (b"\0" if flexible else b"")
        return struct.pack(">i", len(head) + len(body)) + head + body

    # --- values --------------------------------------------------------------------------------------------------

    def row(self, shape: Shape) -> dict[str, Any]:
        row = {slot.name: self.values(slot, shape.name) for slot in shape.plain}
        row |= {
            slot.name: self.values(slot, shape.name) for slot in shape.tagged if self.chance.random() < 0.5
        }
        for names in (PRODUCER, PRODUCER_OLD):
            if any(name in row for name in names) and self.chance.random() >= self.odd:
                row |= {
                    n: v
                    for n, v in zip(names, self.recent(self.producers), strict=True)
                    if n in row and v is not None
                }
        for names in (MEMBER, MEMBER_COMMITS):
            if names[1] in row and self.chance.random() >= self.odd:
                told = zip(names, self.recent(self.members), strict=True)
                row |= {n: v for n, v in told if n in row}
        if "value" in row and "name" in row:
            row["name"], row["value"] = self.chance.choice(CONFIGS)
        return row

    def recent(self, known: list[Any]) -> Any:
        """Mostly the newest of what was learnt."""
        return known[-1] if self.chance.random() < 0.5 else self.chance.choice(known)

    def values(self, slot: Slot, owner: str) -> Any:
        if not slot.array:
            return self.value(slot, owner)
        if slot.nullable and self.chance.random() < 0.1:
            return None
        if slot.name == "assignments" and owner != "SyncGroupRequest" and self.chance.random() < 0.9:
            return []
        if slot.name == "protocols" and self.chance.random() >= self.odd:
            return [{"name": "range", "metadata": self.chance.choice((b"", b"1"))}]
        count = self.chance.choice((0, 1, 1, 1, 1, 2, 3, 30 if self.chance.random() < 0.05 else 1))
        found = [one for _ in range(count) if (one := self.value(slot, owner)) is not None]
        return found * 2 if self.chance.random() < 0.03 else found

    def value(self, slot: Slot, owner: str) -> Any:
        if slot.entity is not None:
            return None if slot.nullable and self.chance.random() < 0.3 else self.row(slot.entity)
        odd = self.chance.random() < self.odd
        if slot.kind in EDGES:
            usual = self.sessions if slot.name == "session_id" else NUMBERS.get(slot.name)
            return self.chance.choice(EDGES[slot.kind] if odd or usual is None else usual)
        return self.blob(slot, owner, odd)

    def blob(self, slot: Slot, owner: str, odd: bool) -> Any:
        if slot.kind == "uuid":
            return self.chance.choice(self.topic_ids)
        if slot.nullable and self.chance.random() < self.odd:
            return None
        if slot.kind == "records":
            return self.records(odd)
        if slot.kind == "bytes":
            return self.chance.randbytes(self.chance.choice((0, 1, 20, 300)))
        usual = TEXTS.get(slot.name, TOPICS if slot.name == "name" else ("range", "x"))
        if slot.name == "name" and "Protocol" in owner:
            usual = ("range", "range", "sticky")
        found = self.chance.choice(ODD_TEXTS if odd else usual)
        return found if found is not None or slot.nullable else ""

    def records(self, odd: bool) -> bytes:
        """Batches as producers send them, now and then with a wrong field behind a right checksum."""
        out = b"".join(self.batch(odd) for _ in range(self.chance.choice((1, 1, 1, 2))))
        return out[: self.chance.randrange(len(out))] if odd and self.chance.random() < 0.3 else out

    def batch(self, odd: bool) -> bytes:
        name, producer_id, epoch = self.recent(self.producers)
        count = self.chance.choice((1, 1, 2, 5))
        key = self.chance.choice((None, b"k1", b"k2"))
        records = [
            Record(key, self.chance.randbytes(9), 1_700_000_000_000 + n, (("h", None),)) for n in range(count)
        ]
        sequence = -1 if producer_id < 0 else self.chance.choice((0, 0, 1, 2, 5))
        batch = bytearray(encode(
            records, codec=self.chance.choice((0, 0, 0, 1, 2, 3, 4)), producer_id=producer_id, producer_epoch=epoch,
            base_sequence=sequence, transactional=name is not None and self.chance.random() < 0.9,
        ))  # fmt: skip
        if odd:
            position = self.chance.randrange(21, len(batch))
            batch[position : position + 1] = bytes([self.chance.randrange(256)])
            if self.chance.random() < 0.8:
                attributes = batch[21:23]
                stamp_append_time(batch, info_at(batch, 0), 1)
                batch[21:23] = attributes if self.chance.random() < 0.5 else batch[21:23]
        return bytes(batch)


PRODUCER = ("transactional_id", "producer_id", "producer_epoch")
PRODUCER_OLD = (
    "v3_and_below_transactional_id",
    "v3_and_below_producer_id",
    "v3_and_below_producer_epoch",
)
MEMBER = ("group_id", "member_id", "generation_id")
MEMBER_COMMITS = ("group_id", "member_id", "generation_id_or_member_epoch")


# --- spoilt bytes --------------------------------------------------------------------------------------------------

LENGTHS = (
    b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff\x0f", b"\0\1",
)  # fmt: skip


def flip(chance: random.Random, body: bytearray, at: int) -> None:
    body[at : at + 1] = bytes([chance.randrange(256)])


def number(chance: random.Random, body: bytearray, at: int) -> None:
    value = chance.choice(LENGTHS)
    body[at : at + len(value)] = value


def cut(chance: random.Random, body: bytearray, at: int) -> None:
    del body[at : at + chance.randrange(1, 20)]


def grow(chance: random.Random, body: bytearray, at: int) -> None:
    body[at:at] = chance.randbytes(chance.randrange(1, 20))


def double(chance: random.Random, body: bytearray, at: int) -> None:
    body[at:at] = body[at : at + chance.randrange(1, 60)]


SPOILERS: tuple[Callable[[random.Random, bytearray, int], None], ...] = (
    flip,
    flip,
    number,
    cut,
    grow,
    double,
)


def spoilt(chance: random.Random, frame: bytes, first: int) -> bytes:
    """Some bytes from `first` on changed; the length in front is made right again, mostly."""
    body = bytearray(frame[4:])
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        chance.choice(SPOILERS)(chance, body, chance.randrange(min(first, len(body)), len(body) + 1))
    size = len(body) if chance.random() < 0.98 else chance.choice((0, -1, 2**31 - 1, len(body) + 7))
    return struct.pack(">i", size) + body
