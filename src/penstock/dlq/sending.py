"""Where a dead letter goes when it is sent back, and as what.

A consumer's letter goes through its retry topic, which says whose it is: other groups of the same topic do not see it
again. Any other goes to the topic it came from, to the partition it came from. Knows letters; knows no transaction.
"""

import itertools
from dataclasses import replace

from penstock.client import Client
from penstock.client.writing.partitioning import partition_of
from penstock.dead_letters import OWN, DeadLetter
from penstock.dlq.source import How, Letter
from penstock.record import Record

SENT_BACK = "redriven"
SYSTEM = ("_penstock.", "__")
"""How the names of topics begin that nobody sends letters to."""


class Sending:
    """One redrive's targets."""

    def __init__(self, client: Client, how: How) -> None:
        self._client, self._how = client, how
        self._counts: dict[str, int] = {}
        self._turns = itertools.count()

    async def target(self, found: Letter, now_ms: int) -> tuple[str, int, Record] | str:
        """(topic, partition, record), or why it stays."""
        letter = found.letter
        if found.omitted:
            return "its value was left out when it was written"
        if letter.redrives >= self._how.redrives_max:
            return f"it was sent back {letter.redrives} times already"
        again = replace(letter, redrives=letter.redrives + 1)
        if letter.via and not self._how.to and (count := await self._partitions(letter.via)):
            if refused := self._refused(letter.via):
                return refused
            return letter.via, max(0, letter.origin.partition) % count, _retry(again).record(now_ms)
        topic = self._how.to or letter.origin.topic
        if not topic:
            return "where it came from is not known: say where to"
        if refused := self._refused(topic):
            return refused
        count = await self._partitions(topic)
        if not count:
            return f"the topic {topic} is gone: say where to"
        return topic, self._partition(again, topic, count), _plain(again, now_ms)

    def _refused(self, topic: str) -> str:
        """Why nothing is sent there. Where it goes stands in the letter's headers, which anyone may have written."""
        if topic.startswith(SYSTEM):
            return f"{topic} is one of the system's own topics"
        return "" if self._how.may_write(topic) else f"you may not write to {topic}"

    def _partition(self, letter: DeadLetter, topic: str, count: int) -> int:
        if topic == letter.origin.topic and 0 <= letter.origin.partition < count:
            return letter.origin.partition
        return next(self._turns) % count if letter.key is None else partition_of(letter.key, count)

    async def _partitions(self, topic: str) -> int:
        """How many partitions the topic has, 0 where it is not there."""
        if topic not in self._counts:
            meta = (await self._client.metadata([topic]))[topic]
            self._counts[topic] = 0 if meta.error else meta.partitions
        return self._counts[topic]


def _retry(letter: DeadLetter) -> DeadLetter:
    """As a retry that is due now, with all its attempts before it."""
    return replace(letter, attempts=0, due_ms=0, reason=SENT_BACK)


def _plain(letter: DeadLetter, now_ms: int) -> Record:
    """As it came, but for the count: written now, or retention would take it for as old as it is."""
    counted = (OWN + "redrives", str(letter.redrives).encode())
    return Record(letter.key, letter.value, now_ms, (*letter.headers, counted))
