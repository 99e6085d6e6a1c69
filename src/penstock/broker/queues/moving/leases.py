"""Leases: each is answered once a turn, with everything that its channel's consumers were given in it.

Bodies that are on the disk only are fetched on another thread first; their messages are leased meanwhile.
"""

from itertools import repeat

from penstock.broker.ledger.ledger import Ledger
from penstock.broker.queues.channel import CLOSED, Channel, Picked, Reader
from penstock.broker.queues.moving.contents import Contents
from penstock.broker.turns.errands import READING, Errands
from penstock.calls.queues import Delivery, Leased
from penstock.clock import Now
from penstock.content import Content, Signed64
from penstock.errors import Refused
from penstock.later import Steps

_delivery = Delivery._make


class Leases:
    """`waiting`: channels that have something to say, where they have a lease."""

    def __init__(self, ledger: Ledger, contents: Contents, errands: Errands) -> None:
        self._ledger, self._contents, self._errands = ledger, contents, errands
        self.waiting: dict[Channel, None] = {}

    def settle(self, now: Now) -> None:
        """The turn's end."""
        waiting = list(self.waiting)
        self.waiting.clear()
        for channel in waiting:
            if not channel.closed:
                channel.mark(now.mono_s)
                self._answer(channel)

    def _answer(self, channel: Channel) -> None:
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

        self._errands.run(READING, self._read(channel, picked, cancelled)).watch(done)

    def _read(self, channel: Channel, picked: list[Picked], cancelled: list[str]) -> Steps[object]:
        """The answer, once all bodies are near."""
        numbers = [item[0] for one in picked for item in one.items]
        contents = yield from self._contents.of(numbers)
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
                self._ledger.settle_many(queue.id, [item[0] for item in items])
        if None in contents:
            for one, number in [
                pair for pair in zip(deliveries, numbers, strict=True) if pair[0].content is None
            ]:
                self.give_up(channel, one.tag, number)
            deliveries = [one for one in deliveries if one.content is not None]
        for reader in list(channel.readers.values()):
            deliveries += yield from self._read_on(channel, reader)
            if reader.over and reader.consumer.tag in channel.readers:
                channel.forget(reader.consumer)
                cancelled.append(reader.consumer.tag)
        return Leased(deliveries, cancelled)

    def _read_on(self, channel: Channel, reader: Reader) -> Steps[list[Delivery]]:
        if channel.closed or not reader.more():
            return []
        found = yield from reader.read()
        still = not channel.closed and channel.readers.get(reader.consumer.tag) is reader
        return channel.read(reader, found) if still else []

    def give_up(self, channel: Channel, tag: int, number: int) -> None:
        """The message cannot be had: nobody holds it any more."""
        held = channel.unacked.get(tag)
        if number in self._contents.damaged and held is not None:
            del channel.unacked[tag]
            queue, consumer, item = held
            channel.release(queue, consumer, [item])
            self._ledger.settle(queue.id, number)


def counted(content: Content, count: int) -> Content:
    """As a quorum queue delivers it: with how often it was delivered before."""
    headers = {**(content.properties.headers or {}), "x-delivery-count": Signed64(count)}
    return content._replace(properties=content.properties.replaced(headers=headers))
