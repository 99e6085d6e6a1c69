"""Answers OpenClient, CloseClient, OpenChannel, CloseChannel."""

from penstock.broker.answers import answers
from penstock.broker.queues.channels.channel import Channel, Client
from penstock.broker.queues.moving.leave import close_channel
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
    client = Client(vhost, call.name, state.queues.waiting)
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
