"""What consumers held: done with, back to its place, or dead. And how what ends (a consumer, a channel) lets go of it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from penstock.broker.queues.channels.channel import CLOSED, Channel, Consumer, Held, runs
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.calls.queues import Mark
from penstock.clock import Now

if TYPE_CHECKING:
    from penstock.broker.queues.queues import Queues


def settle_all(queues: "Queues", channel: Channel, marked: Iterable[tuple[Mark, Iterable[Held]]]) -> None:
    """Let go of what was held, as each mark says, in order; whoever has room again is given more."""
    done: dict[Queue, list[int]] = {}
    freed: dict[Consumer | None, None] = {}
    for mark, held in marked:
        for queue, consumer, items in runs(held):
            channel.release(queue, consumer, items)
            freed[consumer] = None
            if queue.gone or queue.is_stream:
                continue
            if mark is Mark.ACK:
                done.setdefault(queue, []).extend([item[0] for item in items])
            elif mark is Mark.REQUEUE:
                _return(queues, queue, consumer, items, nacked=True)
            else:
                queues.letters.die(queue, items, "rejected")
                queues.stir(queue)
    for queue, numbers in done.items():
        queue.acked += len(numbers)
        queues.ledger.settle_many(queue.id, numbers)
    freed.pop(None, None)
    if channel.readers:
        channel.speak()
    able(queues, channel, freed)  # type: ignore[arg-type]  # None is out


def able(queues: "Queues", channel: Channel, freed: Iterable[Consumer]) -> None:
    """These consumers hold less: they, and where the channel as a whole was full all of it, may have more."""
    consumers = channel.consumers.values() if channel.prefetch_whole else freed
    for consumer in consumers:
        if not consumer.able and consumer in consumer.queue.turns.all:
            consumer.queue.turns.able(consumer)
        queues.stirred[consumer.queue] = None


def _return(
    queues: "Queues", queue: Queue, consumer: Consumer | None, items: Iterable[Item], nacked: bool = False
) -> None:
    """What a consumer held, or was got, is its queue's again."""
    by_number = consumer is not None and consumer.by_number
    for item in items:
        if by_number:
            put_back(queues, queue, item)
        else:
            give_back(queues, queue, item, nacked)


def give_back(queues: "Queues", queue: Queue, item: Item, nacked: bool = False) -> None:
    """The message was delivered and is not done: ready again, or dead where it came back too often.

    A quorum queue without a delivery limit puts at its end what a consumer gives back, as RabbitMQ's does.
    """
    count, limit = item[3] + 1, queue.asked.delivery_limit
    if limit is not None and count > limit:
        queues.letters.die(queue, [item], "delivery_limit")
        queues.stir(queue)
        return
    back = (*item[:3], count, item[4])
    if queue.is_quorum:
        queues.ledger.returned(queue.id, item[0], count)
        if nacked and limit is None:
            queue.ready.put_last(back)
            queues.stir(queue)
            return
    queue.ready.give_back(back)
    queues.stir(queue)


def put_back(queues: "Queues", queue: Queue, item: Item) -> None:
    """The message was taken by its number and is not done: that was no delivery, and brings no limit nearer."""
    queue.ready.give_back(item)
    queues.stir(queue)


def close_channel(queues: "Queues", channel: Channel, now: Now) -> None:
    """The channel is over: its consumers end, and what it held is its queues' again."""
    channel.closed = True
    vhost = channel.client.vhost
    if channel.transaction is not None:
        queues.transactions_bytes -= channel.transaction.held_bytes
        for _, found in channel.transaction.settled:
            channel.put_back(found)
    for consumer in list(channel.consumers.values()):
        end_consumer(queues, consumer, now)
    if channel.replies is not None:
        address, queue = channel.replies
        vhost.replies.pop(address, None)
        queues.remove_queue(vhost, queue)
    channel.return_unheld()
    held, channel.unacked = list(channel.unacked.values()), {}
    for queue, holder, items in runs(held):
        channel.release(queue, holder, items)
        if not queue.gone and not queue.is_stream:
            _return(queues, queue, holder, items)
    channel.client.channels.pop(channel, None)  # not before: a queue that goes asks who holds something of it
    lease, channel.lease = channel.lease, None
    if lease is not None:
        lease.resolve(CLOSED)


def end_consumer(queues: "Queues", consumer: Consumer, now: Now) -> None:
    """The consumer gets nothing more. A queue that was declared so goes with its last one."""
    channel, queue = consumer.channel, consumer.queue
    channel.forget(consumer)
    queues.stir(queue)
    if queue.auto_delete and not queue.turns.all and not queue.gone:
        queues.remove_queue(channel.client.vhost, queue)
    else:
        queues.idleness.used(queue, now)
