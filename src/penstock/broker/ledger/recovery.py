"""What the ledger finds at a start: definitions, and for each queue columns of what waits in it.

Knows the standing as it was read; decides nothing about queues.
"""

from array import array
from dataclasses import dataclass, field

from penstock.broker.ledger.block import Block
from penstock.broker.ledger.standing.pages import Page
from penstock.broker.ledger.standing.standing import Definition, Standing
from penstock.log import Partition
from penstock.record import BatchInfo, intact, scan

READ_BYTES = 4 * 1024 * 1024


class Waiting:
    """One queue's messages by number, in columns; `expires_ms` 0 is never.

    `counts` has the delivery counts of those that came back, by number; the numbers up to `delivered` may have been
    handed out before (-1: none was).
    """

    __slots__ = ("counts", "delivered", "expires_ms", "numbers", "priorities", "sizes")

    def __init__(self) -> None:
        self.numbers, self.sizes, self.expires_ms = array("Q"), array("I"), array("q")
        self.priorities = bytearray()
        self.counts: dict[int, int] = {}
        self.delivered = -1


@dataclass
class Recovered:
    """`queues` has those that hold something, by id."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    queues: dict[int, Waiting] = field(default_factory=dict)


def replay(standing: Standing, partition: Partition, offset: int, notices: list[str]) -> int:
    """Read the blocks from `offset` on; their bytes. What is damaged is left out, with a notice."""
    size = 0
    while offset < partition.end_offset:
        begin = offset
        try:
            chunk = bytes(partition.read(offset, READ_BYTES, end=partition.end_offset))
        except ValueError as error:
            _leave_out(partition, begin, error, notices)
            break
        size += len(chunk)
        for info in scan(chunk):
            if info.base_offset >= begin:
                try:
                    standing.replay(_block(chunk, info))
                except (ValueError, LookupError) as error:
                    _leave_out(partition, info.base_offset, error, notices)
            if info.last_offset < offset:
                break
            offset = info.last_offset + 1
        if offset == begin:
            _leave_out(partition, begin, "no block begins there", notices)
            break
    return size


def _block(chunk: bytes, info: BatchInfo) -> Block:
    if not intact(chunk, info.position):
        raise ValueError("its checksum is wrong")
    return Block(chunk, info.position)


def _leave_out(partition: Partition, offset: int, why: object, notices: list[str]) -> None:
    notices.append(
        f"{partition.topic}: the block at offset {offset} is damaged and was left out ({why}); what it held is lost: "
        "restore the data directory from a backup if it is needed"
    )


def recovered(standing: Standing) -> Recovered:
    """The standing by queue."""
    found = Recovered(dict(standing.definitions))
    for page in standing.pages:
        sets = set(page.holders) - {0}
        if len(sets) == 1 and page.live == len(page.numbers):
            for queue in standing.holders.queues[sets.pop()]:
                _whole(found.queues.setdefault(queue, Waiting()), page)
        else:
            _rows(standing, found, page)
    for (queue, number), count in standing.counts.items():
        if queue in found.queues:
            found.queues[queue].counts[number] = count
    for queue, number in standing.delivered.items():
        if queue in found.queues:
            found.queues[queue].delivered = number
    return found


def _whole(waiting: Waiting, page: Page) -> None:
    waiting.numbers.extend(page.numbers)
    waiting.sizes.extend(page.sizes)
    count = len(page.numbers)
    waiting.expires_ms.extend(page.expires if page.expires is not None else array("q", bytes(8 * count)))
    waiting.priorities += page.priorities if page.priorities is not None else bytes(count)


def _rows(standing: Standing, found: Recovered, page: Page) -> None:
    queues = standing.holders.queues
    for row, held in enumerate(page.holders):
        for queue in queues[held]:
            waiting = found.queues.get(queue)
            if waiting is None:
                waiting = found.queues[queue] = Waiting()
            waiting.numbers.append(page.numbers[row])
            waiting.sizes.append(page.sizes[row])
            waiting.expires_ms.append(page.expires[row] if page.expires is not None else 0)
            waiting.priorities.append(page.priorities[row] if page.priorities is not None else 0)
