"""What clients sent, were told and read, and the anomalies in it: those that Jepsen's work on Kafka looks for.

Each value is written once, as ``name number``, numbers rising for each name. A reader's poll is kept as it came. At the
end the whole log is read; then everything must fit to one order of the records. Knows no broker and no client.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

Part: TypeAlias = tuple[str, int]
Records: TypeAlias = list[tuple[int, str]]
"""(offset, value), as they came."""


class Poll(NamedTuple):
    """What one poll brought of one partition. `reader` is named where it reads on from poll to poll, without a break."""

    committed: bool
    part: Part
    records: Records
    reader: str = ""


class Transaction(NamedTuple):
    """The values of one transaction in one topic, and whether it was told committed, surely not committed, or neither."""

    topic: str
    values: tuple[str, ...]
    fate: str


class Final(NamedTuple):
    """Everything that stands in the log in the end: all data records, and those that are committed."""

    every: dict[Part, Records]
    committed: dict[Part, Records]


class History:
    """Filled by clients, from any thread. Of an unknown end nothing is told: the value is only `sent`."""

    def __init__(self) -> None:
        self.sent = set[str]()
        self.acknowledged: dict[str, tuple[str, int, int]] = {}
        self.transactions: list[Transaction] = []
        self.polls: list[Poll] = []

    def told(self, value: str, topic: str, partition: int, offset: int) -> None:
        """Acknowledged outside of a transaction, with its offset (-1: it was stored earlier, the offset is forgotten)."""
        self.acknowledged[value] = (topic, partition, offset)

    def ended(self, topic: str, values: Iterable[str], fate: str) -> None:
        """A transaction is over, ``committed``, ``aborted`` or ``unknown``."""
        self.transactions.append(Transaction(topic, tuple(values), fate))

    def anomalies(self, final: Final, copies: Sequence[tuple[str, str]] = ()) -> list[str]:
        """Each with its name; `copies` are (source, target) topics whose target holds what is committed in the source."""
        found = [
            *self._lost(final), *self._aborted(final), *self._two_values(final), *_twice(final),
            *_disorder(final), *self._gaps(final), *self._half(final), *self._made_up(final),
        ]  # fmt: skip
        for source, target in copies:
            found += _not_copied(final, source, target)
        return found

    # --- the anomalies -------------------------------------------------------------------------------------------

    def _lost(self, final: Final) -> Iterator[str]:
        """Acknowledged, or told committed, and not there; or not where it was said to be."""
        places = {part: {value: at for at, value in records} for part, records in final.committed.items()}
        for value, (topic, partition, offset) in self.acknowledged.items():
            at = places.get((topic, partition), {}).get(value)
            if at is None:
                yield f"lost: {value} was acknowledged at {topic}-{partition} {offset}"
            elif offset >= 0 and at != offset:
                yield f"moved: {value} was acknowledged at {offset} and stands at {at} of {topic}-{partition}"
        there = _topics(final.committed)
        for one in self.transactions:
            missing = [value for value in one.values if value not in there[one.topic]]
            if one.fate == "committed" and missing:
                yield f"lost: {missing} of a committed transaction"

    def _aborted(self, final: Final) -> Iterator[str]:
        """Never committed, and seen by a reader of what is committed."""
        never = {value for one in self.transactions if one.fate == "aborted" for value in one.values}
        seen = [Poll(True, part, records) for part, records in final.committed.items()]
        for poll in (*self.polls, *seen):
            if poll.committed and (bad := [value for _, value in poll.records if value in never]):
                yield f"aborted read: {bad[:3]} in {poll.part} by {poll.reader or 'a reader'}"

    def _two_values(self, final: Final) -> Iterator[str]:
        """An offset that was seen with two values, by whomever, whenever."""
        values: dict[tuple[Part, int], str] = {}
        observed = [Poll(False, part, records) for part, records in final.every.items()]
        for poll in (*observed, *self.polls):
            for offset, value in poll.records:
                before = values.setdefault((poll.part, offset), value)
                if before != value:
                    yield f"two values: {poll.part} {offset} is {before} and {value}"

    def _gaps(self, final: Final) -> Iterator[str]:
        """A poll that passes over a record, goes back, or has one that is not in the log; or a reader that does so."""
        next_of: dict[tuple[str, Part], int] = {}
        numbers = {
            (committed, part): {offset: at for at, (offset, _) in enumerate(records)}
            for committed, log in ((True, final.committed), (False, final.every))
            for part, records in log.items()
        }
        for poll in self.polls:
            places = [numbers.get((poll.committed, poll.part), {}).get(offset) for offset, _ in poll.records]
            start = next_of.get((poll.reader, poll.part), 0) if poll.reader else places[0]
            if start is None or places != list(range(start, start + len(places))):
                yield f"gap: {poll.reader or 'a poll'} of {poll.part} at {poll.records[0]}: {places[:5]}, not from {start}"
            next_of[poll.reader, poll.part] = (places[-1] or 0) + 1

    def _half(self, final: Final) -> Iterator[str]:
        """A transaction that is there in part."""
        there = _topics(final.committed)
        for one in self.transactions:
            count = sum(value in there[one.topic] for value in one.values)
            if count not in (0, len(one.values)):
                yield f"half a transaction: {count} of {one.values}"

    def _made_up(self, final: Final) -> Iterator[str]:
        for part, records in final.every.items():
            for offset, value in records:
                if value not in self.sent:
                    yield f"made up: {value!r} at {part} {offset}"


def _topics(log: dict[Part, Records]) -> dict[str, Counter[str]]:
    """How often each value stands in each topic."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (topic, _), records in log.items():
        found[topic].update(value for _, value in records)
    return found


def _twice(final: Final) -> Iterator[str]:
    """A value at two places; in a topic of copies a value may stand once more, so topic by topic."""
    for topic, counts in _topics(final.committed).items():
        for value, count in counts.items():
            if count > 1:
                yield f"twice: {value} stands {count} times in {topic}"


def _disorder(final: Final) -> Iterator[str]:
    """Values of one name out of order within a partition."""
    for part, records in final.committed.items():
        newest: dict[str, int] = {}
        for offset, value in records:
            name, _, number = value.rpartition(" ")
            if int(number) < newest.get(name, -1):
                yield f"disorder: {value} at {part} {offset} comes after {newest[name]}"
            newest[name] = max(newest.get(name, -1), int(number))


def _not_copied(final: Final, source: str, target: str) -> Iterator[str]:
    """Partition by partition the target has the source's committed values, in their order, once."""
    for (topic, index), records in final.committed.items():
        if topic != source:
            continue
        want = [value for _, value in records]
        have = [value for _, value in final.committed.get((target, index), [])]
        if want != have:
            at = next((n for n, (a, b) in enumerate(zip(want, have, strict=False)) if a != b), len(have))
            yield (
                f"copied wrongly: partition {index} of {target} has {len(have)} for {len(want)}, from number {at} on"
                f" {have[at : at + 3]} for {want[at : at + 3]}"
            )
