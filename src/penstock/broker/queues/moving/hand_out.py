"""One queue as it should be now: what is ready goes to consumers that may have more, what expired or is too much goes away.

Knows the queue, and what it asks of its consumers; answers no lease.
"""

from penstock.broker.queues.moving.turn import Turn
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.queue.ready import Item
from penstock.clock import Now

SLICE = 1000
"""Messages that one queue lets expire, or loses to its limit, in one go."""


def bring_up(turn: Turn, queue: Queue, now: Now, hand_out_first: bool = False) -> None:
    """Let the queue be as it should be now: nothing expired in it, nothing that a consumer could have, nothing too much.

    `hand_out_first`: what expires at once may still go to who waits for it.
    """
    if not hand_out_first and queue.ready.first() is not None:
        expire(turn, queue, now)
    _hand_out(turn, queue)
    if hand_out_first:
        expire(turn, queue, now)
    if not queue.is_plain:
        _trim(turn, queue, now)
    arm(turn, queue, now)
    if queue.asked.topic is not None:
        turn.drawn[queue] = None


def _hand_out(turn: Turn, queue: Queue) -> None:
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
                turn.ledger.delivered(queue.id, its[-1][0])


# --- what goes away ---------------------------------------------------------------------------------------------------


def expire(turn: Turn, queue: Queue, now: Now) -> None:
    """Let go of what has expired at the queue's head."""
    items = queue.ready.expired(now.wall_ms, SLICE)
    if items:
        turn.dead.die(queue, items, "expired")
        if len(items) == SLICE:
            turn.timers.at(now.mono_s, lambda now: turn.stir(queue))


def arm(turn: Turn, queue: Queue, now: Now) -> None:
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
    queue.expiry = turn.timers.at(due_s, lambda now: turn.stir(queue))


def _trim(turn: Turn, queue: Queue, now: Now) -> None:
    """Take what is above the limits from the head, unless a consumer is about to."""
    if queue.asked.rejects or not queue.over() or queue.limit_waits():
        return
    items: list[Item] = []
    while queue.over() and len(items) < SLICE:
        items.append(queue.ready.take())
    turn.dead.die(queue, items, "maxlen")
    if queue.over():
        turn.timers.at(now.mono_s, lambda now: turn.stir(queue))
