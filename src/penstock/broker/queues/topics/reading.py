"""Readers: consumers that take nothing out of a queue. One browses what is ready, another reads a stream from an offset.

What is far away they read in steps.
"""

from array import array
from collections.abc import Iterator
from heapq import nlargest
from itertools import islice

from penstock import record
from penstock.broker.queues.channel import NUMBER, Consumer
from penstock.broker.queues.moving.contents import Contents
from penstock.broker.queues.topics.records import content_of
from penstock.broker.transactions.aborted import Markers
from penstock.broker.transactions.stable import StableOffsets
from penstock.calls import Bytes
from penstock.content import Content, Signed64
from penstock.later import Steps
from penstock.log import Cold, Partition

READ_BYTES = 512 * 1024
BROWSED_MAX = 500
OFFSET = "x-stream-offset"

Found = list[tuple[int, Content]]
"""Messages with their numbers, or offsets."""


class Committed:
    """What is committed of topics' records."""

    def __init__(self, stable: StableOffsets, markers: Markers) -> None:
        self._stable, self._markers = stable, markers

    def read(self, partition: Partition, offset: int, most: int) -> Steps[tuple[list[record.Record], int]]:
        """Up to `most` committed records from `offset` on, and where to go on."""
        end = self._stable.of(partition)
        while True:
            offset = max(offset, partition.start_offset)
            try:
                batches = partition.read_near(offset, READ_BYTES, end=end) if offset < end else b""
                break
            except Cold as cold:
                fetch = cold.fetch
            yield fetch
        found: list[record.Record] = []
        for info, records in self._records(partition, batches):
            for one in records:
                if one.offset >= offset:
                    if len(found) == most:
                        return found, one.offset
                    found.append(one)
            offset = max(offset, info.last_offset + 1)
        return found, offset

    def _records(
        self, partition: Partition, batches: Bytes
    ) -> Iterator[tuple[record.BatchInfo, list[record.Record]]]:
        """Batches with their records, those of aborted transactions and markers with none."""
        aborted = list(self._markers.aborted(partition, batches))
        going: set[int] = set()
        for info in record.scan(batches):
            while aborted and aborted[0][1] <= info.base_offset:
                going.add(aborted.pop(0)[0])
            if info.control:
                going.discard(info.producer_id)
                yield info, []
            elif info.transactional and info.producer_id in going:
                yield info, []
            else:
                yield (
                    info,
                    list(record.decode(memoryview(batches)[info.position : info.position + info.size])),
                )


class Browser:
    """Copies of what was ready when it came, first to last. What went meanwhile is left out.

    `only`: the message of this number alone; `newest`: at most so many, those that came last; `oldest`: at most so many,
    the first; 0 for all.
    """

    holds = False

    def __init__(
        self,
        consumer: Consumer,
        contents: Contents,
        only: int | None = None,
        newest: int = 0,
        oldest: int = 0,
    ) -> None:
        self.consumer, self.over = consumer, False
        self._contents = contents
        self._numbers, self._sizes = array("Q"), array("I")
        ready = consumer.queue.ready
        least = nlargest(newest, (item[0] for item in ready))[-1] if 0 < newest < len(ready) else 0
        # A look at the first few of very many must not cost a walk over all.
        for number, size, *_ in islice(ready, oldest or None):
            if number >= least and only in (None, number):
                self._numbers.append(number)
                self._sizes.append(size)
        self._at = 0

    def more(self) -> bool:
        """Until its end was told."""
        return not self.over

    def read(self) -> Steps[Found]:
        """Up to a few hundred."""
        begin, left = self._at, READ_BYTES
        while self._at < len(self._numbers) and self._at - begin < BROWSED_MAX and left > 0:
            left -= self._sizes[self._at]
            self._at += 1
        numbers = list(self._numbers[begin : self._at])
        self.over = self._at >= len(self._numbers)
        contents = yield from self._contents.of(numbers)
        return [
            (number, marked(content, NUMBER, number))
            for number, content in zip(numbers, contents, strict=True)
            if content is not None
        ]


class StreamReader:
    """Reads a stream's topic from `offset` on: what is committed, up to what is safe on disk."""

    holds = True
    over = False

    def __init__(self, consumer: Consumer, partition: Partition, offset: int, committed: Committed) -> None:
        self.consumer, self.partition, self.offset = consumer, partition, offset
        self._committed = committed

    def more(self) -> bool:
        """Whether it may hold more, and there is more."""
        return self.consumer.credit() > 0 and self.offset < self.partition.durable_offset

    def read(self) -> Steps[Found]:
        """As much as it may hold."""
        found, after = yield from self._committed.read(self.partition, self.offset, self.consumer.credit())
        self.offset = max(self.offset, after)
        name = self.consumer.queue.name
        return [(one.offset, marked(content_of(one, name), OFFSET, one.offset)) for one in found]


def marked(content: Content, header: str, number: int) -> Content:
    """The message with one header more."""
    headers = {**(content.properties.headers or {}), header: Signed64(number)}
    return content._replace(properties=content.properties.replaced(headers=headers))
