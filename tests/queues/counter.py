"""Clients of the queues on a table: a broker with time by hand, calls in a line, leases kept under way as a gateway would."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from penstock.broker.broker import Broker, BrokerOptions
from penstock.broker.queues.options import QueueOptions
from penstock.calls import Call, Principal, queues
from penstock.calls.queues import Delivery, Mark, Publishing, Settlement
from penstock.content import Content, Field, Properties
from penstock.errors import Refused
from penstock.later import Later
from penstock.log import Log, LogOptions
from penstock.testing.disk import SimulatedDisk
from tests.broker.bench import START, answer_of, numbered
from tests.broker.on_disk import run_errands

ME = Principal("guest", "127.0.0.1", "client")


class Counter:
    """A broker whose log stands on the simulated disk. Every call is a turn of its own unless `turn` is held open."""

    def __init__(self, seed: int = 0, **options: int) -> None:
        """`options` are those of the queues."""
        self.disk, self.now = SimulatedDisk(seed), START
        self.options = BrokerOptions(queues=QueueOptions(**options))
        self._random = numbered()
        self.skip_sync = False  # what is written meanwhile is lost at a crash
        self.begin()

    def begin(self) -> None:
        self.log = Log.open(self.disk, LogOptions(), self.now)
        self.broker = Broker(self.log, self.options, self.now, self._random)
        self.guests: list[Guest] = []
        self.end_turn()

    @property
    def queues(self) -> Any:
        return self.broker._state.queues

    def ask(self, call: Call) -> Any:
        answer = self.broker.answer(call, self.now)
        self.end_turn()
        return answer_of(answer) if isinstance(answer, Later) and answer.done else answer

    def end_turn(self) -> None:
        """What the driver does: settle, errands, syncs, and leases asked again."""
        for _ in range(1000):
            self.broker.settle(self.now)
            run_errands(self.broker)
            moved = self.sync()
            if not sum(guest.lease_again() for guest in self.guests) and not moved:
                return
        raise AssertionError("the turn does not end")

    def sync(self) -> bool:
        """Whether there was anything to make safe."""
        moved = False
        while self.broker.needs_sync and not self.skip_sync:
            sync = self.log.begin_sync(self.now)
            if sync is None:
                break
            sync.run()
            assert sync.error is None
            self.broker.moved(self.log.end_sync(sync, self.now), self.now)
            moved = True
        return moved

    def later(self, seconds: float) -> None:
        end = self.now.after(seconds)
        while (
            due_s := self.broker.next_wake_s(self.now)
        ) is not None and self.now.mono_s + due_s <= end.mono_s:
            self.now = self.now.after(max(due_s, 0.001))
            self.broker.tick(self.now)
            self.end_turn()
        self.now = end if end.mono_s > self.now.mono_s else self.now
        self.broker.tick(self.now)
        self.end_turn()

    def restart(self, crash: bool = True) -> None:
        """All clients are gone; with `crash` so is what was not synced."""
        (self.disk.crash if crash else self.disk.kill)()
        self.begin()

    def guest(self, vhost: str = "/", who: Principal = ME) -> "Guest":
        return Guest(self, vhost, who)


class Guest:
    """One client with one channel. What its consumers got stands in `got`; `gone` are tags that were cancelled."""

    def __init__(
        self, counter: Counter, vhost: str = "/", who: Principal = ME, beside: "Guest | None" = None
    ) -> None:
        self.counter, self.who = counter, who
        self.client = beside.client if beside else self.call(queues.OpenClient, vhost)
        self.opened = not isinstance(self.client, Refused)
        self.got: list[Delivery] = []
        self.gone: list[str] = []
        self.lease: Any = None
        self.leasing = True
        if self.opened:
            self.channel = self.call(queues.OpenChannel, self.client)
            counter.guests.append(self)

    def beside(self) -> "Guest":
        """Another channel of the same client."""
        return Guest(self.counter, beside=self)

    def call(self, kind: Any, *args: Any, **named: Any) -> Any:
        return self.counter.ask(kind(self.who, *args, **named))

    def told(self, kind: Any, vhost: str | None = None) -> Any:
        """All that there is of a kind, page by page; or why it is not told."""
        named = {} if vhost is None else {"vhost": vhost}
        page = self.call(kind, **named)
        if isinstance(page, Refused):
            return page
        found = [*page.found]
        while page.rest is not None:
            page = self.call(kind, **named, rest=page.rest)
            found += page.found
        return found

    def on(self, kind: Any, *args: Any, **named: Any) -> Any:
        return self.call(kind, self.channel, *args, **named)

    def lease_again(self) -> bool:
        """Take what a lease brought and ask for the next; whether there is anything new."""
        if not self.opened or not self.leasing or (self.lease is not None and not self.lease.done):
            return False
        if self.lease is not None:
            leased = answer_of(self.lease)
            if leased is None or isinstance(leased, Refused):
                self.leasing = False
                return False
            self.got += leased.deliveries
            self.gone += leased.cancelled
        self.lease = self.counter.broker.answer(queues.Lease(self.who, self.channel), self.counter.now)
        return isinstance(self.lease, Later)

    # --- in a line each ------------------------------------------------------------------------------------------------

    def queue(self, name: str = "q", /, durable: bool = True, **how: Any) -> Any:
        arguments = {key.replace("_", "-"): how.pop(key) for key in list(how) if key.startswith("x_")}
        return self.on(queues.DeclareQueue, name, durable=durable, arguments=arguments, **how)

    def exchange(self, name: str, kind: str = "direct", /, durable: bool = True, **how: Any) -> Any:
        return self.on(queues.DeclareExchange, name, kind, durable=durable, **how)

    def bind(
        self, queue: str, exchange: str, key: str = "", arguments: Mapping[str, Field] | None = None
    ) -> Any:
        return self.on(queues.BindQueue, queue, exchange, key, arguments or {})

    def publish(
        self, *bodies: bytes, to: str = "q", exchange: str = "", mandatory: bool = False, **how: Any
    ) -> Any:
        properties = Properties.made(**{"delivery_mode": 2, **how})
        some = [Publishing(Content(exchange, to, properties, body), mandatory) for body in bodies]
        return self.on(queues.Publish, some)

    def consume(self, queue: str = "q", tag: str = "", **how: Any) -> Any:
        return self.on(queues.Subscribe, queue, tag, **how)

    def get(self, queue: str = "q", no_ack: bool = False) -> Any:
        return self.on(queues.Get, queue, no_ack)

    def settle(self, mark: Mark, *tags: int, multiple: bool = False) -> Any:
        return self.on(queues.Settle, [Settlement(tag, multiple, mark) for tag in tags])

    def ack(self, *tags: int, multiple: bool = False) -> Any:
        return self.settle(Mark.ACK, *tags, multiple=multiple)

    def requeue(self, *tags: int, multiple: bool = False) -> Any:
        return self.settle(Mark.REQUEUE, *tags, multiple=multiple)

    def reject(self, *tags: int, multiple: bool = False) -> Any:
        return self.settle(Mark.REJECT, *tags, multiple=multiple)

    def close(self) -> None:
        self.leasing = False
        self.call(queues.CloseClient, self.client)

    def close_channel(self) -> None:
        self.leasing = False
        self.on(queues.CloseChannel)

    @property
    def bodies(self) -> list[bytes]:
        return [one.content.body for one in self.got]

    def drain(self, queue: str = "q") -> list[bytes]:
        """Get and acknowledge all that is ready."""
        found = []
        while (got := self.get(queue, no_ack=True)) is not None:
            found.append(got.delivery.content.body)
        return found


def bodies_of(deliveries: Sequence[Delivery]) -> list[bytes]:
    return [one.content.body for one in deliveries]


def numbers(first: int = 1) -> Any:
    return (str(number).encode() for number in count(first))
