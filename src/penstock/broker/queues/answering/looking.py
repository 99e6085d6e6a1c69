"""Answers DescribeQueues."""

from penstock.broker.answers import answers
from penstock.broker.queues.moving.hand_out import bring_up
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.opening import ready_of
from penstock.broker.state import State
from penstock.calls.queues import DescribeQueues, QueueInfo
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(DescribeQueues)
def describe_queues(state: State, call: DescribeQueues, now: Now) -> list[QueueInfo] | Refused:
    """By virtual host and name."""
    vhosts = state.queues.vhosts
    if call.vhost is not None and call.vhost not in vhosts:
        return Refused(Refusal.NO_VHOST, f"vhost {call.vhost} not found")
    chosen = sorted(vhosts) if call.vhost is None else [call.vhost]
    queues = [vhosts[name].queues[queue] for name in chosen for queue in sorted(vhosts[name].queues)]
    for queue in queues:
        bring_up(state.queues, queue, now)
    return [_info(state, queue) for queue in queues]


def _info(state: State, queue: Queue) -> QueueInfo:
    return QueueInfo(
        queue.vhost,
        queue.name,
        queue.asked.kind,
        queue.durable,
        ready_of(state, queue),
        queue.held,
        queue.ready.bytes + queue.held_bytes,
        len(queue.turns),
        queue.published,
        queue.delivered,
        queue.acked,
        queue.arguments,
    )
