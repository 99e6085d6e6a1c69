"""The end of a turn: what is ready goes to consumers that may have more, what expired or is too much goes away.

A lease is answered once, with everything its channel's consumers were given in the turn. Bodies that are on the disk only
are fetched on another thread first; their messages are leased meanwhile.
"""

from itertools import repeat
from typing import TYPE_CHECKING

from penstock.broker.queues.channels.channel import CLOSED, Channel, Picked, Reader
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.broker.turns.errands import READING
from penstock.calls.queues import Delivery, Leased
from penstock.content import Content, Signed64
from penstock.errors import Refused
from penstock.later import Steps

if TYPE_CHECKING:
    from penstock.broker.queues.queues import Queues
    from penstock.clock import Now

_delivery = Delivery._make

SLICE = 1000
"""Messages that one queue lets expire, or loses to its limit, in one go."""


def settle(queues: "Queues", now: "Now") -> None:
    """The turn's end."""
    while queues.stirred or queues.feeds.due:
        stirred, queues.stirred = queues.stirred, {}
        for queue in stirred:
            if not queue.gone:
                bring_up(queues, queue, now)
        queues.letters.send(now)
        queues.feeds.pull(now)
    waiting = list(queues.waiting)
    queues.waiting.clear()
    for channel in waiting:
        if not channel.closed:
            channel.mark(now.mono_s)
            answer(queues, channel)


def bring_up(queues: "Queues", queue: Queue, now: "Now", hand_out_first: bool = False) -> None:
    """Let the queue be as it should be now: nothing expired in it, nothing that a consumer could have, nothing too much.

    `hand_out_first`: what expires at once may still go to who waits for it.
    """
    if not hand_out_first and queue.ready.first() is not None:
        expire(queues, queue, now)
    _hand_out(queues, queue)
    if hand_out_first:
        expire(queues, queue, now)
    if not queue.is_plain:
        _trim(queues, queue, now)
    arm(queues, queue, now)
    if queue.asked.topic is not None:
        queues.feeds.stirred(queue)


def _hand_out(queues: "Queues", queue: Queue) -> None:
    """One message each, round and round: of n consumers each gets every n-th of what is taken for all of them."""
    ready, turns = queue.ready, queue.turns
    while turns.all and ready:
        consumers, rounds = turns.next(ready.run())
        if not consumers:
            return
        # The least room bounds them all together: who gets the large ones is not known before.
        bytes_max = min([consumer.channel.room_bytes for consumer in consumers])
        items = ready.take_many(rounds * len(consumers), bytes_max)
        turns.passed(consumers, len(items))
        for place, consumer in enumerate(consumers[: len(items)]):
            its = items[place :: len(consumers)]
            consumer.pick(its)
            if queue.kept and not consumer.no_ack:
                queues.ledger.delivered(queue.id, its[-1][0])


# --- what goes away ---------------------------------------------------------------------------------------------------


def expire(queues: "Queues", queue: Queue, now: "Now") -> None:
    """Let go of what has expired at the queue's head."""
    items = queue.ready.expired(now.wall_ms, SLICE)
    if items:
        queues.letters.die(queue, items, "expired")
        if len(items) == SLICE:
            queues.around.timers.at(now.mono_s, lambda now: queues.stir(queue))


def arm(queues: "Queues", queue: Queue, now: "Now") -> None:
    """See to it that the queue is looked at when its head expires."""
    first = queue.ready.first()
    due_ms = first[2] if first is not None else 0
    timer = queue.expiry
    if not due_ms or (timer is not None and not timer.over and queue.due_ms == due_ms):
        return
    if timer is not None:
        timer.cancel()
    queue.due_ms = due_ms
    due_s = now.mono_s + max(0, due_ms - now.wall_ms) / 1000
    queue.expiry = queues.around.timers.at(due_s, lambda now: queues.stir(queue))


def _trim(queues: "Queues", queue: Queue, now: "Now") -> None:
    """Take what is above the limits from the head, unless a consumer is about to."""
    if queue.asked.rejects or not queue.over() or queue.limit_waits():
        return
    items: list[Item] = []
    while queue.over() and len(items) < SLICE:
        items.append(queue.ready.take())
    queues.letters.die(queue, items, "maxlen")
    if queue.over():
        queues.around.timers.at(now.mono_s, lambda now: queues.stir(queue))


# --- leases -----------------------------------------------------------------------------------------------------------


def answer(queues: "Queues", channel: Channel) -> None:
    """Answer the channel's lease with what was picked, and with who was cancelled."""
    lease = channel.lease
    readers = channel.readers.values()
    if lease is None or not (channel.picked or channel.cancelled or any(one.more() for one in readers)):
        return
    picked, channel.picked = channel.picked, []
    cancelled, channel.cancelled = channel.cancelled, []
    channel.lease, channel.room_bytes, channel.reading = None, 0, picked

    def done(leased: object) -> None:
        if isinstance(leased, Refused):  # the disk failed: what nobody holds is its queue's again
            channel.return_unheld()
        channel.reading = []
        lease.resolve(CLOSED if channel.closed else leased)

    queues.around.errands.run(READING, _read(queues, channel, picked, cancelled)).watch(done)


def _read(queues: "Queues", channel: Channel, picked: list[Picked], cancelled: list[str]) -> Steps[object]:
    """The answer, once all bodies are near."""
    numbers = [item[0] for one in picked for item in one.items]
    contents = yield from queues.contents.of(numbers)
    deliveries: list[Delivery] = []
    at = 0
    for consumer, first_tag, items in picked:
        queue, end = consumer.queue, at + len(items)
        some = contents[at:end]
        at = end
        if queue.is_quorum:
            some = [
                one and counted(one, item[3]) if item[3] else one
                for one, item in zip(some, items, strict=True)
            ]
        again = [item[3] > 0 or item[0] <= queue.seen for item in items]
        rows = zip(repeat(consumer.tag), range(first_tag, first_tag + len(items)), again, some)
        deliveries += map(_delivery, rows)
        if consumer.no_ack and not channel.closed and not queue.gone:
            queues.ledger.settle_many(queue.id, [item[0] for item in items])
    if None in contents:
        for one, number in [
            pair for pair in zip(deliveries, numbers, strict=True) if pair[0].content is None
        ]:
            give_up(queues, channel, one.tag, number)
        deliveries = [one for one in deliveries if one.content is not None]
    for reader in list(channel.readers.values()):
        deliveries += yield from _read_on(queues, channel, reader)
        if reader.over and reader.consumer.tag in channel.readers:
            channel.forget(reader.consumer)
            cancelled.append(reader.consumer.tag)
    return Leased(deliveries, cancelled)


def _read_on(queues: "Queues", channel: Channel, reader: Reader) -> Steps[list[Delivery]]:
    if channel.closed or not reader.more():
        return []
    found = yield from reader.read()
    still = not channel.closed and channel.readers.get(reader.consumer.tag) is reader
    return channel.read(reader, found) if still else []


def give_up(queues: "Queues", channel: Channel, tag: int, number: int) -> None:
    """The message cannot be had: nobody holds it any more."""
    held = channel.unacked.get(tag)
    if number in queues.contents.damaged and held is not None:
        del channel.unacked[tag]
        queue, consumer, item = held
        channel.release(queue, consumer, [item])
        queues.ledger.settle(queue.id, number)


def counted(content: Content, count: int) -> Content:
    """As a quorum queue delivers it: with how often it was delivered before."""
    headers = {**(content.properties.headers or {}), "x-delivery-count": Signed64(count)}
    return content._replace(properties=content.properties.replaced(headers=headers))
