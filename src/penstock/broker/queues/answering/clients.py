"""Answers OpenClient, CloseClient, OpenChannel, CloseChannel."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.consuming import end_consumer
from penstock.broker.queues.channel import CLOSED, Channel, Client, runs
from penstock.broker.queues.moving.leave import hand_back
from penstock.broker.queues.queues import Queues
from penstock.broker.state import State
from penstock.calls.queues import CloseChannel, CloseClient, OpenChannel, OpenClient
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(OpenClient)
def open_client(state: State, call: OpenClient, now: Now) -> Client | Refused:
    """Into a virtual host that exists."""
    vhost = state.queues.vhosts.get(call.vhost)
    if vhost is None:
        return Refused(Refusal.NO_VHOST, f"vhost {call.vhost} not found")
    client = Client(vhost, call.name, state.queues.leases.waiting)
    state.queues.clients[client] = None
    state.queues.patience.begin(now)
    return client


@answers(CloseClient)
def close_client(state: State, call: CloseClient, now: Now) -> None:
    """Harmless where it is closed."""
    client = call.client
    if not isinstance(client, Client) or client.closed:
        return
    client.closed = True
    for channel in list(client.channels):
        close_channel(state.queues, channel, now)
    for queue in list(client.queues):
        state.queues.remove_queue(client.vhost, queue)
    state.queues.clients.pop(client, None)


@answers(OpenChannel)
def open_channel(state: State, call: OpenChannel, now: Now) -> Channel:
    """One more of the client's."""
    assert isinstance(call.client, Client)
    channel = Channel(call.client)
    call.client.channels[channel] = None
    return channel


@answers(CloseChannel)
def end_channel(state: State, call: CloseChannel, now: Now) -> None:
    """Harmless where it is closed."""
    assert isinstance(call.channel, Channel)
    if not call.channel.closed:
        close_channel(state.queues, call.channel, now)


def close_channel(queues: Queues, channel: Channel, now: Now) -> None:
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
            hand_back(queues.turn, queue, holder, items)
    channel.client.channels.pop(channel, None)  # not before: a queue that goes asks who holds something of it
    lease, channel.lease = channel.lease, None
    if lease is not None:
        lease.resolve(CLOSED)
