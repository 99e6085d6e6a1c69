"""One client, its channels, and the consumers on these, with what each holds unsettled.

Knows tags and what they stand for, and says when a channel has something to tell; moves no message from or to a queue.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, repeat
from operator import itemgetter
from typing import NamedTuple, Protocol, TypeAlias

from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.queue.arguments import Asked
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.broker.queues.queue.turns import MANY
from penstock.calls.queues import Arguments, ConsumerInfo, Delivery, Publishing, Settlement
from penstock.content import Content
from penstock.errors import Refusal, Refused
from penstock.later import Later, Steps

NOWHERE = Queue(0, "", "", Asked(), {})
"""Where a message came from that never was."""
NOWHERE.gone = True
NUMBER = "x-penstock-number"
"""The argument of who consumes the one message of a number, and the header that says which number a copy has."""
CLOSED = Refused(Refusal.BAD_REQUEST, "the channel is closed")
_MESSAGE_BYTES = 96
"""What a message's properties and framing are taken for, beside its body."""


class Client:
    """What `OpenClient` hands out. `queues`: those that it has alone. `waiting`: channels, of all clients, that have
    something to say at the turn's end."""

    __slots__ = ("channels", "closed", "name", "queues", "vhost", "waiting")

    def __init__(self, vhost: Vhost, name: str, waiting: "dict[Channel, None]") -> None:
        self.vhost, self.name, self.closed, self.waiting = vhost, name, False, waiting
        self.channels: dict[Channel, None] = {}
        self.queues: dict[Queue, None] = {}


class Consumer:
    """What it reads, and how much of it it may hold unsettled. `able`: it stands in its queue's turns. `held`: messages
    that it has not settled. `by_number`: it takes one message to deal with it, which is no try of what the message asks
    for."""

    __slots__ = (
        "able", "arguments", "by_number", "channel", "exclusive", "held", "no_ack", "prefetch", "priority", "queue", "tag",
    )  # fmt: skip

    def __init__(
        self, channel: "Channel", queue: Queue, tag: str, no_ack: bool, arguments: Arguments
    ) -> None:
        self.channel, self.queue, self.tag, self.no_ack = channel, queue, tag, no_ack
        self.arguments = dict(arguments)
        self.prefetch, self.held = 0 if no_ack else channel.prefetch, 0
        self.exclusive = self.able = False
        self.by_number = NUMBER in self.arguments
        priority = arguments.get("x-priority", 0)
        self.priority = priority if isinstance(priority, int) else 0

    def credit(self) -> int:
        """How many more it may hold."""
        if self.no_ack:
            return MANY
        most = MANY if not self.prefetch else self.prefetch - self.held
        whole = self.channel.prefetch_whole
        return most if not whole else min(most, whole - self.channel.held)

    def room(self) -> int:
        """How many it may be given now: its channel must have asked for a lease, and not be full of others' messages."""
        channel = self.channel
        return self.credit() if channel.room_bytes > 0 else 0

    def pick(self, items: Sequence[Item]) -> None:
        """These go to it with the next answer."""
        channel, queue = self.channel, self.queue
        count, first = len(items), channel.tag + 1
        channel.tag += count
        channel.picked.append(Picked(self, first, items))
        channel.room_bytes -= sum([item[1] for item in items]) + count * _MESSAGE_BYTES
        queue.delivered += count
        if not self.no_ack:
            held = zip(range(first, first + count), zip(repeat(queue), repeat(self), items))  # noqa: B905
            channel.unacked.update(held)
            self.hold(items)
        channel.client.waiting[channel] = None

    def hold(self, items: Sequence[Item]) -> None:
        """These are unsettled."""
        count, queue = len(items), self.queue
        self.held += count
        self.channel.held += count
        queue.held += count
        queue.held_bytes += sum([item[1] for item in items])

    def wake(self) -> None:
        """There may be more to be read."""
        self.channel.speak()

    def cancel(self) -> None:
        """Its queue is gone: its client hears of it."""
        self.channel.forget(self)
        if not self.channel.closed:
            self.channel.cancelled.append(self.tag)
            self.channel.speak()

    def told(self, active: bool) -> ConsumerInfo:
        """As DescribeConsumers has it."""
        queue, name, acked = self.queue, self.channel.client.name, not self.no_ack
        return ConsumerInfo(
            queue.vhost, queue.name, self.tag, name, acked, self.exclusive, active, self.prefetch, self.priority,
            self.held,
        )  # fmt: skip


class Reader(Protocol):
    """A consumer that takes nothing out of a queue: it says whether it has more, and reads some of it in steps, for its
    bytes may be far away. `holds`: what it gives counts as held until it is settled. `over`: it has come to its end."""

    consumer: Consumer
    holds: bool
    over: bool

    def more(self) -> bool:
        """Whether there is something for it now."""

    def read(self) -> Steps[list[tuple[int, Content]]]:
        """Some of it: messages with their numbers, or offsets."""


Held: TypeAlias = tuple[Queue, Consumer | None, Item]
"""What a tag stands for; no consumer where it was got."""
_whose = itemgetter(0, 1)


def runs(held: Iterable[Held]) -> Iterator[tuple[Queue, Consumer | None, list[Item]]]:
    """What stands one behind the other and is of one queue and one consumer, together."""
    for (queue, consumer), some in groupby(held, _whose):
        yield queue, consumer, [item for _, _, item in some]


class Picked(NamedTuple):
    """Messages for one consumer, with tags from `first_tag` on, that wait to be answered with."""

    consumer: Consumer
    first_tag: int
    items: Sequence[Item]


class Transaction:
    """What waits for a commit: publishes of `held_bytes`, and settlements with what they settle."""

    __slots__ = ("held_bytes", "publishes", "settled")

    def __init__(self) -> None:
        self.publishes: list[Publishing] = []
        self.held_bytes = 0
        self.settled: list[tuple[Settlement, dict[int, Held]]] = []


class Channel:
    """What `OpenChannel` hands out. `room_bytes` is 0 while no lease waits; `unsafe`: it published what must be kept since
    it last asked whether all is safe."""

    __slots__ = (
        "allowed", "cancelled", "client", "closed", "consumers", "failed", "given", "held", "last_queue", "lease", "picked", "prefetch",
        "prefetch_whole", "readers", "reading", "replies", "room_bytes", "tag", "transaction", "unacked", "unsafe",
    )  # fmt: skip

    def __init__(self, client: Client) -> None:
        self.client, self.closed, self.unsafe = client, False, False
        self.consumers: dict[str, Consumer] = {}
        self.unacked: dict[int, Held] = {}
        self.tag = self.held = self.prefetch = self.prefetch_whole = self.room_bytes = 0
        self.lease: Later[object] | None = None
        self.given: deque[tuple[float, int]] = deque()  # moments, and the newest tags at each
        self.picked: list[Picked] = []
        self.reading: list[Picked] = []  # what was picked, while its bodies are fetched
        self.cancelled: list[str] = []
        self.readers: dict[str, Reader] = {}  # consumers that take nothing out of a queue
        self.transaction: Transaction | None = None
        self.last_queue = ""
        self.replies: tuple[str, Queue] | None = None  # its address for direct replies
        self.allowed: dict[str, object] = {}
        self.failed: object = None

    def speak(self) -> None:
        """It has something to say at the turn's end."""
        self.client.waiting[self] = None

    def read(self, reader: Reader, found: Sequence[tuple[int, Content]]) -> list[Delivery]:
        """What a reader found, with tags; what it holds is unsettled as anything else."""
        consumer, queue = reader.consumer, reader.consumer.queue
        deliveries = []
        for number, content in found:
            self.tag += 1
            item = number, len(content.body), 0, 0, 0
            if reader.holds:
                self.unacked[self.tag] = queue, consumer, item
                consumer.hold([item])
            self.room_bytes -= item[1] + _MESSAGE_BYTES
            deliveries.append(Delivery(consumer.tag, self.tag, False, content))
        if reader.holds:  # who only looks is handed nothing
            queue.delivered += len(deliveries)
        return deliveries

    def got(self, queue: Queue, item: Item) -> int:
        """One that was asked for singly; its tag."""
        self.tag += 1
        queue.delivered += 1
        self.unacked[self.tag] = queue, None, item
        queue.held += 1
        queue.held_bytes += item[1]
        return self.tag

    def forget(self, consumer: Consumer) -> None:
        """It is over; what it holds stays held. What it was to be sent unheld is its queue's again."""
        del self.consumers[consumer.tag]
        self.readers.pop(consumer.tag, None)
        consumer.queue.turns.remove(consumer)
        if consumer.no_ack:
            for one in [one for one in self.picked if one.consumer is consumer]:
                self.picked.remove(one)
                for item in one.items:
                    consumer.queue.ready.give_back(item)

    def return_unheld(self) -> None:
        """Who takes without acknowledging has not got yet what is still being read for it."""
        reading, self.reading = self.reading, []
        for consumer, _, items in reading:
            if consumer.no_ack and not consumer.queue.gone:
                for item in items:
                    consumer.queue.ready.give_back(item)

    def mark(self, mono_s: float) -> None:
        """Remember when tags up to the newest were given, about a moment a second."""
        if not self.unacked:
            self.given.clear()
        elif not self.given or mono_s - self.given[-1][0] >= 1:
            self.given.append((mono_s, self.tag))
        else:
            self.given[-1] = self.given[-1][0], self.tag

    def oldest_s(self) -> float | None:
        """When the oldest that is unsettled was given, within a second; None where nothing is."""
        oldest = next(iter(self.unacked), None)
        while self.given and (oldest is None or self.given[0][1] < oldest):
            self.given.popleft()
        return self.given[0][0] if self.given else None

    # --- settling ------------------------------------------------------------------------------------------------

    def meant(self, settlement: Settlement) -> tuple[dict[int, Held], int | None]:
        """What a settlement is about, taken out of what is unsettled; and the first of its tags that is not held, if any."""
        unacked, tag = self.unacked, settlement.tag
        found: dict[int, Held] = {}
        if not settlement.multiple:
            for one in range(tag, tag + settlement.run):
                held = unacked.pop(one, None)
                if held is None:
                    return found, one
                found[one] = held
            return found, None
        if tag == 0:
            self.unacked = {}
            return unacked, None
        if tag not in unacked:
            return found, tag
        for one in unacked:
            if one > tag:
                break
            found[one] = unacked[one]
        for one in found:
            del unacked[one]
        return found, None

    def put_back(self, found: dict[int, Held]) -> None:
        """A rollback: they are unsettled as before, in the order of their tags."""
        self.unacked = dict(sorted({**self.unacked, **found}.items()))

    def release(self, queue: Queue, consumer: Consumer | None, items: Sequence[Item]) -> None:
        """These count no more for anybody's prefetch."""
        count = len(items)
        queue.held -= count
        queue.held_bytes -= sum([item[1] for item in items])
        if consumer is not None:
            consumer.held -= count
            self.held -= count

    def held_of(self, queue: Queue) -> list[int]:
        """The numbers of what it holds of one queue, settled in an open transaction or not."""
        found = [item[0] for one, _, item in self.unacked.values() if one is queue]
        if self.transaction is not None:
            for _, settled in self.transaction.settled:
                found += [item[0] for one, _, item in settled.values() if one is queue]
        return found

    def disown(self, number: int) -> None:
        """Messages of this number and above never were: what is held of them is nobody's."""
        for tag, (queue, consumer, item) in self.unacked.items():
            if item[0] >= number:
                queue.held -= 1
                queue.held_bytes -= item[1]
                self.unacked[tag] = NOWHERE, consumer, item
