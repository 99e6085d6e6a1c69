"""A broker in a few lines for tests of the session: queues by the default exchange, in memory; it notes every call.

`done` is what took effect of publishes and acknowledgements.
"""

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from penstock.calls import Call, CheckPassword, EndLogin
from penstock.calls import queues as q
from penstock.content import Content
from penstock.errors import Refusal, Refused
from penstock.later import Later


@dataclass(eq=False)
class FakeChannel:
    consumers: dict[str, tuple[str, bool]] = field(default_factory=dict)
    unsettled: dict[int, tuple[str, Content]] = field(default_factory=dict)
    tags: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    lease: Later[Any] | None = None
    cancelled: list[str] = field(default_factory=list)


class FakeBroker:
    """`unsafe`: what waits for safety stays so until `make_safe`. `scripted` answers calls of a type first."""

    def __init__(self) -> None:
        self.queues: dict[str, deque[Content]] = {}
        self.channels: list[FakeChannel] = []
        self.ever: list[FakeChannel] = []
        self.asked: list[Call] = []
        self.done: list[tuple[object, object]] = []
        self.unsafe = False
        self.waiting: list[Later[Any]] = []
        self.scripted: dict[type[Call], list[object]] = {}
        self.made = itertools.count(1)

    def answer(self, call: Call) -> object:
        self.asked.append(call)
        if self.scripted.get(type(call)):
            return self.scripted[type(call)].pop(0)
        return ANSWERS[type(call)](self, call)

    def make_safe(self, result: object = None) -> None:
        self.unsafe = False
        waiting, self.waiting = self.waiting, []
        for later in waiting:
            later.resolve(result)

    def settle(self) -> None:
        """The end of a turn: leases are answered."""
        for channel in self.channels:
            if channel.lease is not None and (given := self._given(channel)) is not None:
                later, channel.lease = channel.lease, None
                later.resolve(given)

    def _given(self, channel: FakeChannel) -> q.Leased | None:
        found = []
        for tag, (queue, no_ack) in channel.consumers.items():
            while self.queues.get(queue):
                content = self.queues[queue].popleft()
                number = next(channel.tags)
                found.append(q.Delivery(tag, number, False, content))
                if not no_ack:
                    channel.unsettled[number] = (queue, content)
        cancelled, channel.cancelled = channel.cancelled, []
        return q.Leased(found, cancelled) if found or cancelled else None

    # --- answers ------------------------------------------------------------------------------------------------------

    def open_client(self, call: q.OpenClient) -> object:
        if call.vhost != "/":
            return Refused(Refusal.NO_VHOST, f"vhost {call.vhost} not found")
        return f"client {next(self.made)}"

    def open_channel(self, call: q.OpenChannel) -> object:
        self.channels.append(FakeChannel())
        self.ever.append(self.channels[-1])
        return self.channels[-1]

    def close_channel(self, call: q.CloseChannel) -> None:
        assert isinstance(call.channel, FakeChannel)
        self.channels.remove(call.channel)
        if call.channel.lease is not None:
            call.channel.lease.resolve(Refused(Refusal.BAD_REQUEST, "the channel is closed"))

    def declare_queue(self, call: q.DeclareQueue) -> object:
        if call.passive and call.name not in self.queues:
            return Refused(Refusal.NO_QUEUE, f"no queue '{call.name}' in vhost '/'")
        name = call.name or f"amq.gen-{next(self.made)}"
        return q.QueueDeclared(name, len(self.queues.setdefault(name, deque())), 0)

    def delete_queue(self, call: q.DeleteQueue) -> object:
        for channel in self.channels:
            gone = [tag for tag, (queue, _) in channel.consumers.items() if queue == call.queue]
            channel.cancelled += gone
            for tag in gone:
                del channel.consumers[tag]
        return len(self.queues.pop(call.queue, ()))

    def publish(self, call: q.Publish) -> q.Sent:
        returned = []
        for place, (content, mandatory) in enumerate(call.messages):
            if content.exchange:
                words = f"no exchange '{content.exchange}' in vhost '/'"
                return q.Sent(place, returned, (), Refused(Refusal.NO_EXCHANGE, words))
            self.done.append((call.channel, content))
            if content.routing_key in self.queues:
                self.queues[content.routing_key].append(content)
            elif mandatory:
                returned.append(place)
        return q.Sent(len(call.messages), returned)

    def await_safe(self, call: q.AwaitSafe) -> object:
        if not self.unsafe:
            return None
        self.waiting.append(Later())
        return self.waiting[-1]

    def subscribe(self, call: q.Subscribe) -> object:
        if call.queue not in self.queues:
            return Refused(Refusal.NO_QUEUE, f"no queue '{call.queue}' in vhost '/'")
        assert isinstance(call.channel, FakeChannel)
        tag = call.tag or f"amq.ctag-{next(self.made)}"
        call.channel.consumers[tag] = (call.queue, call.no_ack)
        return tag

    def unsubscribe(self, call: q.Unsubscribe) -> None:
        assert isinstance(call.channel, FakeChannel)
        call.channel.consumers.pop(call.tag, None)

    def lease(self, call: q.Lease) -> object:
        assert isinstance(call.channel, FakeChannel)
        assert call.channel.lease is None, "one lease a channel"
        call.channel.lease = Later()
        return call.channel.lease

    def get(self, call: q.Get) -> object:
        if not self.queues.get(call.queue):
            return None
        assert isinstance(call.channel, FakeChannel)
        content = self.queues[call.queue].popleft()
        number = next(call.channel.tags)
        call.channel.unsettled[number] = (call.queue, content)
        return q.Got(q.Delivery("", number, False, content), len(self.queues[call.queue]))

    def settled(self, call: q.Settle) -> object:
        assert isinstance(call.channel, FakeChannel)
        held = call.channel.unsettled
        each = [
            (first + n, multiple, mark)
            for first, multiple, mark, count in call.settlements
            for n in range(count)
        ]
        for tag, multiple, mark in each:
            tags = (
                [one for one in held if one <= tag or not tag]
                if multiple
                else [one for one in held if one == tag]
            )
            if not tags:
                return Refused(Refusal.PRECONDITION, f"unknown delivery tag {tag}")
            self.done.append((call.channel, (tag, multiple, mark)))
            for one in tags:
                queue, content = held.pop(one)
                if mark is q.Mark.REQUEUE:
                    self.queues[queue].appendleft(content)
        return None

    def check_password(self, call: CheckPassword) -> object:
        return True if call.password == "right" else Refused(Refusal.LOGIN_FAILED)


ANSWERS: dict[type[Call], Callable[[FakeBroker, Any], object]] = {
    **dict.fromkeys(
        (
            EndLogin, q.CloseClient, q.DeclareExchange, q.DeleteExchange, q.BindExchange, q.UnbindExchange,
            q.BindQueue, q.UnbindQueue, q.SetPrefetch, q.Recover, q.SelectTransaction, q.RollbackTransaction,
            q.DeclareVhost, q.DeleteVhost,
        ),
        lambda broker, call: None,
    ),
    **dict.fromkeys(
        (q.DescribeQueues, q.DescribeExchanges, q.DescribeBindings, q.DescribeConsumers, q.DescribeVhosts),
        lambda broker, call: q.Page([]),
    ),
    CheckPassword: FakeBroker.check_password,
    q.OpenClient: FakeBroker.open_client,
    q.OpenChannel: FakeBroker.open_channel,
    q.CloseChannel: FakeBroker.close_channel,
    q.DeclareQueue: FakeBroker.declare_queue,
    q.DeleteQueue: FakeBroker.delete_queue,
    q.PurgeQueue: lambda broker, call: 0,
    q.Publish: FakeBroker.publish,
    q.AwaitSafe: FakeBroker.await_safe,
    q.Subscribe: FakeBroker.subscribe,
    q.Unsubscribe: FakeBroker.unsubscribe,
    q.Lease: FakeBroker.lease,
    q.Get: FakeBroker.get,
    q.Settle: FakeBroker.settled,
    q.CommitTransaction: lambda broker, call: q.Committed(),
}  # fmt: skip
