"""What consumers held: done with, back to its place, or dead."""

from collections.abc import Iterable

from penstock.broker.queues.channel import Channel, Consumer, Held, runs
from penstock.broker.queues.moving.turn import Turn
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.calls.queues import Mark


def settle_all(turn: Turn, channel: Channel, marked: Iterable[tuple[Mark, Iterable[Held]]]) -> None:
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
                hand_back(turn, queue, consumer, items, nacked=True)
            else:
                turn.dead.die(queue, items, "rejected")
                turn.stir(queue)
    for queue, numbers in done.items():
        queue.acked += len(numbers)
        turn.ledger.settle_many(queue.id, numbers)
    freed.pop(None, None)
    if channel.readers:
        channel.speak()
    able(turn, channel, freed)  # type: ignore[arg-type]  # None is out


def able(turn: Turn, channel: Channel, freed: Iterable[Consumer]) -> None:
    """These consumers hold less: they, and where the channel as a whole was full all of it, may have more."""
    consumers = channel.consumers.values() if channel.prefetch_whole else freed
    for consumer in consumers:
        if not consumer.able and consumer in consumer.queue.turns.all:
            consumer.queue.turns.able(consumer)
        turn.stirred[consumer.queue] = None


def hand_back(
    turn: Turn, queue: Queue, consumer: Consumer | None, items: Iterable[Item], nacked: bool = False
) -> None:
    """What a consumer held, or was got, is its queue's again."""
    by_number = consumer is not None and consumer.by_number
    for item in items:
        if by_number:
            put_back(turn, queue, item)
        else:
            give_back(turn, queue, item, nacked)


def give_back(turn: Turn, queue: Queue, item: Item, nacked: bool = False) -> None:
    """The message was delivered and is not done: ready again, or dead where it came back too often.

    A quorum queue without a delivery limit puts at its end what a consumer gives back, as RabbitMQ's does.
    """
    count, limit = item[3] + 1, queue.asked.delivery_limit
    if limit is not None and count > limit:
        turn.dead.die(queue, [item], "delivery_limit")
        turn.stir(queue)
        return
    back = (*item[:3], count, item[4])
    if queue.is_quorum:
        turn.ledger.returned(queue.id, item[0], count)
        if nacked and limit is None:
            queue.ready.put_last(back)
            turn.stir(queue)
            return
    queue.ready.give_back(back)
    turn.stir(queue)


def put_back(turn: Turn, queue: Queue, item: Item) -> None:
    """The message was taken by its number and is not done: that was no delivery, and brings no limit nearer."""
    queue.ready.give_back(item)
    turn.stir(queue)
