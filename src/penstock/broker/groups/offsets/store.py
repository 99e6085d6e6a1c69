"""What groups have committed: in `__consumer_offsets` on disk, and in memory what of it is durable.

A commit is seen once it is safe. The topic is kept short without compaction: when it holds many times more
records than there are positions, all positions are written again at its end and what came before is cut off.
Knows the internal topic; knows no group's members.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from penstock.broker.groups.offsets.format import Key, Stored, decode_key, decode_value, encode
from penstock.broker.options import BrokerOptions
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.topics.internal import CONSUMER_OFFSETS, InternalTopics
from penstock.clock import Now
from penstock.errors import PenstockError, Refused

REWRITE_FROM = 5_000
REWRITE_RATIO = 4

Then = Callable[[Refused | None, Now], None]
Changes = Mapping[Key, Stored | None]
Positions = dict[str, dict[tuple[str, int], Stored]]


class OffsetStore:
    """Committed positions by group."""

    def __init__(self, internal: InternalTopics, options: BrokerOptions) -> None:
        self._internal, self._partitions = internal, options.offsets_partitions
        self._committed: Positions = {}
        self._under_way: deque[Changes] = deque()
        self._rewriting: set[int] = set()
        self._load()

    def groups(self) -> Iterator[str]:
        """The groups that have committed anything."""
        return iter(self._committed)

    def of(self, group: str) -> Mapping[tuple[str, int], Stored]:
        """A group's positions by (topic, partition)."""
        return self._committed.get(group, {})

    def write(self, group: str, changes: Changes, then: Then, now: Now) -> None:
        """Commit positions of one group (None: forget it); `then` is called when they are on disk."""
        try:
            self._internal.ensure(CONSUMER_OFFSETS, self._partitions, now)
        except DISK_ERRORS as error:
            then(refused_by(error), now)
            return
        index = self._index(group)
        records = [encode(key, stored, now.wall_ms) for key, stored in changes.items()]
        self._under_way.append(changes)
        self._internal.write(
            CONSUMER_OFFSETS, index, records, partial(self._written, index, changes, then), now
        )

    def delete_group(self, group: str, then: Then, now: Now) -> None:
        """Forget all that the group committed."""
        changes: dict[Key, Stored | None] = {Key(group, topic, part): None for topic, part in self.of(group)}
        if changes:
            self.write(group, changes, then, now)
        else:
            then(None, now)

    def forget_topic(self, topic: str, now: Now) -> None:
        """The topic is gone: positions in it mean nothing any more."""
        for group in list(self._committed):
            gone = {Key(group, name, part): None for name, part in self.of(group) if name == topic}
            if gone:
                self.write(group, gone, lambda refused, now: None, now)

    def _written(self, index: int, changes: Changes, then: Then, refused: Refused | None, now: Now) -> None:
        self._under_way.remove(changes)
        if refused is None:
            _apply(self._committed, changes)
            self._rewrite_if_long(index, now)
        then(refused, now)

    def _index(self, group: str) -> int:
        return partition_of(group, len(self._internal.partitions(CONSUMER_OFFSETS)))

    # --- start and upkeep ----------------------------------------------------------------------------------------

    def _load(self) -> None:
        for index in range(len(self._internal.partitions(CONSUMER_OFFSETS))):
            for stored in self._internal.read(CONSUMER_OFFSETS, index):
                key = decode_key(stored.key or b"")
                if key is not None:
                    value = None if stored.value is None else _value(stored.value)
                    _apply(self._committed, {key: value})

    def _rewrite_if_long(self, index: int, now: Now) -> None:
        partition = self._internal.partitions(CONSUMER_OFFSETS)[index]
        length = partition.end_offset - partition.start_offset
        if length < REWRITE_FROM or index in self._rewriting:
            return
        # Commits that are not durable yet stand before the new copy in the log, so the copy must have them.
        present: Positions = {group: dict(positions) for group, positions in self._committed.items()}
        for changes in self._under_way:
            _apply(present, changes)
        keys = [
            Key(group, *part) for group in present for part in present[group] if self._index(group) == index
        ]
        if length < REWRITE_RATIO * len(keys):
            return
        self._rewriting.add(index)
        begin = partition.end_offset

        def copied(refused: Refused | None, now: Now) -> None:
            self._rewriting.discard(index)
            if refused is None:
                with suppress(*DISK_ERRORS):  # then it stays long; a failed disk stops the server anyway
                    partition.truncate_before(begin)

        records = [encode(key, present[key.group][key.topic, key.partition], now.wall_ms) for key in keys]
        self._internal.write(CONSUMER_OFFSETS, index, records, copied, now)


def _value(data: bytes) -> Stored:
    try:
        return decode_value(data)
    except ValueError as error:
        raise PenstockError(
            f"{CONSUMER_OFFSETS} cannot be read: {error}",
            remedy="start the version that wrote this data directory",
        ) from None


def _apply(positions: Positions, changes: Changes) -> None:
    for key, stored in changes.items():
        of_group = positions.setdefault(key.group, {})
        if stored is None:
            of_group.pop((key.topic, key.partition), None)
        else:
            of_group[key.topic, key.partition] = stored
        if not of_group:
            del positions[key.group]


def partition_of(group: str, partitions: int) -> int:
    """Where Kafka keeps the group: Java's hash of its name, without the sign, modulo the partitions."""
    utf16, code = group.encode("utf-16-be"), 0
    for at in range(0, len(utf16), 2):
        code = (31 * code + (utf16[at] << 8 | utf16[at + 1])) & 0xFFFFFFFF
    signed = code - (1 << 32) if code >= 1 << 31 else code
    return (0 if signed == -(1 << 31) else abs(signed)) % partitions
