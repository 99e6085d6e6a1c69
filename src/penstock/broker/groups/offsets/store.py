"""What groups have committed: in `__consumer_offsets` on disk, and in memory what of it is durable.

A commit is seen once it is safe. The topic is kept short without compaction: when it holds many times more
records than there are positions, all positions are written again at its end and what came before is cut off.
Knows the internal topic; knows no group's members.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import partial

from penstock.broker.groups.offsets.format import Key, Stored, decode_key, decode_value, encode
from penstock.broker.options import BrokerOptions
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.topics.internal import CONSUMER_OFFSETS, InternalTopics
from penstock.broker.transactions import marker
from penstock.clock import Now
from penstock.errors import PenstockError, Refused
from penstock.record import Record

REWRITE_FROM = 5_000
REWRITE_RATIO = 4

Then = Callable[[Refused | None, Now], None]
Changes = Mapping[Key, Stored | None]
Positions = dict[str, dict[tuple[str, int], Stored]]
_Writer = tuple[
    int, int
]  # an index of the topic's partitions, and the producer id that has a transaction there


class OffsetStore:
    """Committed positions by group."""

    def __init__(self, internal: InternalTopics, options: BrokerOptions) -> None:
        self._internal, self._partitions = internal, options.offsets_partitions
        self._committed: Positions = {}
        self._under_way: deque[Changes] = deque()
        self._pending: dict[_Writer, dict[Key, Stored]] = {}
        self._deciding: dict[_Writer, tuple[dict[Key, Stored], bool]] = {}
        self._rewriting: set[int] = set()
        self._load()

    def groups(self) -> Iterator[str]:
        """The groups that have committed anything, or will if a transaction commits."""
        waiting = {key.group for changes in self._pending.values() for key in changes}
        return iter([*self._committed, *(waiting - self._committed.keys())])

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
        changes, records = self._placed(index, changes, now)
        for key in [key for key, stored in changes.items() if stored is None]:
            for pending in self._pending.values():
                pending.pop(key, None)
        self._under_way.append(changes)
        self._internal.write(
            CONSUMER_OFFSETS, index, records, partial(self._written, index, changes, then), now
        )

    # --- in transactions -----------------------------------------------------------------------------------------

    def write_pending(
        self, group: str, changes: Changes, producer: tuple[int, int], then: Then, now: Now
    ) -> int | None:
        """Positions that hold once the producer's (id, epoch) transaction commits; where they stand in the log."""
        index = self._index(group)
        base = self._internal.partitions(CONSUMER_OFFSETS)[index].end_offset
        changes, records = self._placed(index, changes, now)
        pending = self._pending.setdefault((index, producer[0]), {})
        failed = False

        def written(refused: Refused | None, now: Now) -> None:
            nonlocal failed
            failed = refused is not None
            then(refused, now)

        self._internal.write(CONSUMER_OFFSETS, index, records, written, now, producer)
        if failed:
            return None
        pending.update((key, stored) for key, stored in changes.items() if stored is not None)
        return base

    def pending(self, group: str) -> frozenset[tuple[str, int]]:
        """The parts that an open transaction may move."""
        undecided = [*self._pending.values(), *(changes for changes, _ in self._deciding.values())]
        return frozenset((k.topic, k.partition) for changes in undecided for k in changes if k.group == group)

    def decided(self, index: int, producer_id: int, commit: bool) -> None:
        """The marker of the producer's transaction was written to this partition of the topic."""
        changes = self._pending.pop((index, producer_id), {})
        self._deciding[index, producer_id] = changes, commit

    def settled(self, index: int, producer_id: int, now: Now) -> None:
        """The marker is on disk: what it committed holds now."""
        changes, commit = self._deciding.pop((index, producer_id), ({}, False))
        if commit:
            _apply(self._committed, _younger(self._committed, changes))
        if changes:
            self._rewrite_if_long(index, now)

    def keep_pending(self, producer_ids: Set[int]) -> None:
        """At the start: no other producer has an open transaction."""
        self._pending = {writer: kept for writer, kept in self._pending.items() if writer[1] in producer_ids}

    # --- forgetting ----------------------------------------------------------------------------------------------

    def delete_group(self, group: str, then: Then, now: Now) -> None:
        """Forget all that the group committed."""
        changes: dict[Key, Stored | None] = {
            Key(group, *part): None for part in {*self.of(group), *self.pending(group)}
        }
        if changes:
            self.write(group, changes, then, now)
        else:
            then(None, now)

    def forget_topic(self, topic: str, now: Now) -> None:
        """The topic is gone: positions in it mean nothing any more."""
        for group in self.groups():
            parts = {*self.of(group), *self.pending(group)}
            gone = {Key(group, name, part): None for name, part in parts if name == topic}
            if gone:
                self.write(group, gone, lambda refused, now: None, now)

    def _written(self, index: int, changes: Changes, then: Then, refused: Refused | None, now: Now) -> None:
        self._under_way.remove(changes)
        if refused is None:
            _apply(self._committed, changes)
            self._rewrite_if_long(index, now)
        then(refused, now)

    def _placed(self, index: int, changes: Changes, now: Now) -> tuple[Changes, list[Record]]:
        """The changes with the offsets that their records will have, and the records."""
        base = self._internal.partitions(CONSUMER_OFFSETS)[index].end_offset
        placed = {
            key: None if stored is None else replace(stored, at=base + number)
            for number, (key, stored) in enumerate(changes.items())
        }
        return placed, [encode(key, stored, now.wall_ms) for key, stored in placed.items()]

    def _index(self, group: str) -> int:
        return partition_of(group, len(self._internal.partitions(CONSUMER_OFFSETS)))

    # --- start and upkeep ----------------------------------------------------------------------------------------

    def _load(self) -> None:
        for index in range(len(self._internal.partitions(CONSUMER_OFFSETS))):
            for info, stored in self._internal.batches(CONSUMER_OFFSETS, index):
                records = stored if info.control else list(self._readable(index, stored))
                writer = index, info.producer_id
                if info.control:
                    changes = self._pending.pop(writer, {})
                    if any(marker.commits(one) for one in records):
                        _apply(self._committed, _younger(self._committed, changes))
                elif info.transactional:
                    kept = {key: stored for key, stored in _changes(records).items() if stored is not None}
                    self._pending.setdefault(writer, {}).update(kept)
                else:
                    self._load_changes(_changes(records))

    def _readable(self, index: int, records: Sequence[Record]) -> Iterator[Record]:
        """Those whose keys can be read; the others are told."""
        for one in records:
            try:
                decode_key(one.key or b"")
            except ValueError as error:
                self._internal.leave_out(CONSUMER_OFFSETS, index, (one.offset, one.offset), error)
            else:
                yield one

    def _load_changes(self, changes: Changes) -> None:
        _apply(self._committed, changes)
        for key in [key for key, stored in changes.items() if stored is None]:
            for pending in self._pending.values():
                pending.pop(key, None)

    def _rewrite_if_long(self, index: int, now: Now) -> None:
        partition = self._internal.partitions(CONSUMER_OFFSETS)[index]
        length = partition.end_offset - partition.start_offset
        undecided = any(writer[0] == index for writer in (*self._pending, *self._deciding))
        if length < REWRITE_FROM or index in self._rewriting or undecided:
            return  # what is pending stands before the copy, and would be cut off
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


def _changes(records: Sequence[Record]) -> dict[Key, Stored | None]:
    found: dict[Key, Stored | None] = {}
    for one in records:
        key = decode_key(one.key or b"")
        if key is not None:
            found[key] = None if one.value is None else replace(_value(one.value), at=one.offset)
    return found


def _younger(positions: Positions, changes: Mapping[Key, Stored]) -> dict[Key, Stored]:
    """What of a transaction no later commit outside of it has overtaken, as in Kafka."""
    present = ((key, positions.get(key.group, {}).get((key.topic, key.partition))) for key in changes)
    return {key: changes[key] for key, there in present if there is None or there.at < changes[key].at}


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
