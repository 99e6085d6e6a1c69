"""Answers DeclareVhost, DeleteVhost, DescribeVhosts."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.clients import close_channel
from penstock.broker.queues.names import DEFAULT_VHOST
from penstock.broker.queues.topics.opening import delete_stream
from penstock.broker.state import State
from penstock.calls.queues import DeclareVhost, DeleteVhost, DescribeVhosts, Page
from penstock.clock import Now
from penstock.errors import Refusal, Refused

_NAME_BYTES_MAX = 255
VHOSTS_MAX = 1000


@answers(DeclareVhost)
def declare_vhost(state: State, call: DeclareVhost, now: Now) -> object:
    """Once it is safe."""
    name = call.name
    if name in state.queues.vhosts:
        return None
    if not name or len(name.encode()) > _NAME_BYTES_MAX or not name.isprintable():
        return Refused(
            Refusal.PRECONDITION, "a virtual host's name has 1 to 255 bytes of printable characters"
        )
    if len(state.queues.vhosts) >= VHOSTS_MAX:
        return Refused(Refusal.PRECONDITION, f"there are {VHOSTS_MAX} virtual hosts already")
    state.queues.add_vhost(name)
    return state.queues.when_safe(None, now)


@answers(DeleteVhost)
def delete_vhost(state: State, call: DeleteVhost, now: Now) -> object:
    """With its queues; who is connected to it finds nothing any more."""
    queues = state.queues
    vhost = queues.vhosts.get(call.name)
    if call.name == DEFAULT_VHOST:
        return Refused(Refusal.IN_USE, "the default virtual host stays")
    if vhost is None:
        return Refused(Refusal.NO_VHOST, f"vhost {call.name} not found")
    for client in [client for client in queues.clients if client.vhost is vhost]:
        for channel in list(client.channels):
            close_channel(queues, channel, now)
    streams = [queue for queue in vhost.queues.values() if queue.is_stream]
    queues.remove_vhost(vhost)
    for queue in streams:
        delete_stream(state, queue, call.principal, now)
    return queues.when_safe(None, now)


@answers(DescribeVhosts)
def describe_vhosts(state: State, call: DescribeVhosts, now: Now) -> Page:
    """By name."""
    return Page(sorted(state.queues.vhosts))
