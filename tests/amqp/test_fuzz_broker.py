"""Clients say random things to a session with the real broker behind it: nothing breaks, and nothing is held in the end.

Invariant: no exception, whatever names, arguments, properties and orders; each client is answered or ended; when all
are gone no connection, channel or consumer is left.
"""

import os
import random
import struct
from functools import partial
from typing import Any

import pytest

from penstock.calls import Call, Principal
from penstock.content import Field, Properties
from penstock.later import Later
from penstock.wire.amqp.methods import BY_NAME, encode, frame
from penstock.wire.amqp.options import AmqpOptions
from penstock.wire.amqp.registry import ANSWERS
from penstock.wire.amqp.session import AmqpSession
from tests.amqp.driving import HEADER, publish, raw, start_ok, tune_ok
from tests.queues.counter import Counter

HEAD = struct.Struct(">BHI")
QUEUES = ("q", "q", "q", "q", "p", "p", "s", "t", "", "amq.rabbitmq.reply-to", "amq.x", "x" * 255)
EXCHANGES = (
    "amq.direct",
    "amq.topic",
    "amq.fanout",
    "amq.headers",
    "dlx",
    "dlx",
    "e",
    "",
    "amq.x",
    "nowhere",
)
TYPES = ("direct", "fanout", "topic", "headers", "x-delayed-message", "x-penstock-topic", "foo", "")
KEYS = ("q", "q", "q", "p", "s", "a.b", "#", "*.b", "")
ODD: tuple[Field, ...] = (
    0,
    1,
    5,
    -1,
    2**40,
    1.5,
    True,
    None,
    "",
    "q",
    "direct",
    "fanout",
    b"\xff",
    [1, "a"],
    {"a": 1},
)
ARGUMENTS = (
    "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-message-ttl", "x-expires", "x-max-length",
    "x-max-length-bytes", "x-overflow", "x-max-priority", "x-queue-type", "x-single-active-consumer",
    "x-delivery-limit", "x-queue-mode", "alternate-exchange", "x-delayed-type", "x-match", "x-priority",
    "x-stream-offset", "x-penstock-topic", "x-penstock-browse", "x-penstock-number", "a",
)  # fmt: skip
FITTING: dict[str, tuple[Field, ...]] = {
    "x-queue-type": ("classic", "quorum", "stream"), "x-overflow": ("drop-head", "reject-publish", "reject-publish-dlx"),
    "x-match": ("all", "any"), "x-delayed-type": ("direct", "topic"), "x-dead-letter-exchange": ("", "dlx"),
    "x-stream-offset": ("first", "last", "next", 0),
}  # fmt: skip
TEXTS = {
    "type": ("direct", "direct", *TYPES), "routing_key": KEYS, "consumer_tag": ("", "", "", "", "a", "b"), "queue": QUEUES,
}  # fmt: skip
HEADERS = ("CC", "BCC", "x-delay", "x-death", "x-first-death-queue", "x-stream-offset", "a")
CALLING = [answer.method for key, answer in sorted(ANSWERS.items()) if key >> 16 != 10]
MOSTLY = [BY_NAME[f"{name}"] for name in (
    "queue.declare", "queue.bind", "exchange.declare", "exchange.bind", "basic.consume", "basic.get", "basic.ack",
    "basic.nack", "basic.reject", "basic.qos", "queue.purge",
)]  # fmt: skip


class Live:
    """One client of the broker."""

    def __init__(self, counter: Counter) -> None:
        self.counter, self.waits = counter, 0
        self.session = AmqpSession(Principal(host="10.0.0.1"), AmqpOptions())
        self.later: list[tuple[object, Call]] = []
        opening = frame(0, "connection.open", virtual_host="/")
        self.say(HEADER, start_ok(), tune_ok(), opening, frame(1, "channel.open"), frame(2, "channel.open"))
        streaming = {"x-queue-type": "stream"}
        self.say(
            frame(1, "queue.declare", queue="q"), frame(1, "queue.declare", queue="p", durable=True),
            frame(2, "queue.declare", queue="s", durable=True, arguments=streaming),
            frame(2, "exchange.declare", exchange="dlx", type="topic"),
            frame(2, "queue.bind", queue="p", exchange="dlx", routing_key="#"),
        )  # fmt: skip
        self.turn()

    def say(self, *data: bytes) -> None:
        self._run(self.session.receive(b"".join(data), self.counter.now))

    def turn(self) -> bytes:
        self.counter.end_turn()
        later, self.later = self.later, []
        self._run(later)
        if self.session.stalled:
            self._run(self.session.go_on())
        self.counter.end_turn()
        return b"".join(self.session.take_output())

    def _run(self, asked: list[tuple[object, Call]]) -> None:
        waiting = list(asked)
        while waiting:
            ticket, call = waiting.pop(0)
            answer = self.counter.broker.answer(call, self.counter.now)
            if isinstance(answer, Later):
                self.waits += 1
                answer.watch(partial(self._answered, ticket))
            else:
                waiting += self.session.answer(ticket, answer)

    def _answered(self, ticket: object, result: object) -> None:
        self.waits -= 1
        self.later += self.session.answer(ticket, result)

    def leave(self) -> None:
        for call in self.session.lost():
            self.counter.broker.answer(call, self.counter.now)
        self.counter.end_turn()


def table(chance: random.Random, names: tuple[str, ...], often: float = 1.0) -> dict[str, Field]:
    found = {}
    for name in chance.sample(names, chance.choice((0, 1, 1, 2)) if chance.random() < often else 0):
        found[name] = chance.choice(FITTING.get(name, ODD) if chance.random() < 0.8 else ODD)
    return found


def method(chance: random.Random) -> bytes:
    chosen = chance.choice(MOSTLY if chance.random() < 0.8 else CALLING)
    values: dict[str, Any] = {}
    for name, kind in chosen.fields:
        match kind:
            case "shortstr":
                values[name] = chance.choice(TEXTS.get(name, EXCHANGES))
            case "table":
                values[name] = table(chance, ARGUMENTS, 0.4)
            case "bit":
                values[name] = chance.random() < (0.95 if name in ("requeue", "active", "multiple") else 0.1)
            case "longlong":
                values[name] = chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2))
            case _:
                values[name] = 0 if name == "prefetch_size" else chance.choice((0, 1, 2, 10))
    return raw(1, chance.choice((1, 2)), chosen.key.to_bytes(4, "big") + encode(chosen, values))


def message(chance: random.Random) -> bytes:
    fields: dict[str, Any] = {"headers": table(chance, HEADERS), "delivery_mode": chance.choice((1, 2, 2, 7))}
    for name, some in {
        "priority": (0, 3, 255), "expiration": ("0", "10", "-1", "abc", ""), "reply_to": ("amq.rabbitmq.reply-to", "q"),
        "user_id": ("guest", "other"), "message_id": ("m",),
    }.items():  # fmt: skip
        if chance.random() < 0.12:
            fields[name] = chance.choice(some)
    properties = Properties.made(**fields)
    exchange = chance.choice(("", "", "", "", *EXCHANGES[:8]))
    data = bytes(chance.choice((0, 1, 50, 3000)))
    return publish(
        chance.choice((1, 2)), chance.choice(KEYS), data, properties, exchange, chance.random() < 0.2
    )


def methods_in(out: bytes) -> int:
    """How many method frames were written, all frames being whole."""
    count, at = 0, 0
    while at < len(out):
        kind, _, size = HEAD.unpack_from(out, at)
        assert out[at + 7 + size] == 0xCE
        count, at = count + (kind == 1), at + size + 8
    return count


def one_run(seed: int, length: int) -> tuple[int, int]:
    """How many statements were made, and how many methods came back."""
    chance, counter = random.Random(seed), Counter(seed)
    clients = [Live(counter) for _ in range(3)]
    said = heard = 0
    for _ in range(length):
        place = chance.randrange(len(clients))
        client = clients[place]
        client.say(
            *(
                message(chance) if chance.random() < 0.4 else method(chance)
                for _ in range(chance.choice((1, 1, 3)))
            )
        )
        said += 1
        heard += methods_in(client.turn())
        for number in (1, 2):
            held = client.session.channels.get(number)
            if held is None or held.over:
                again = frame(number, "channel.open")
                client.say(again if held is None else frame(number, "channel.close-ok") + again)
        if client.session._deaf or client.session.closing or chance.random() < 0.02:
            client.leave()
            clients[place] = Live(counter)
        if chance.random() < 0.05:
            counter.later(chance.choice((0.01, 1.0, 30.0)))
    for client in clients:
        client.leave()
    counter.later(1.0)
    for client in clients:
        client.turn()
        assert client.waits == 0, "a call of a client that is gone is never answered"
    assert not counter.queues.clients
    assert not any(queue.turns.all for queue in counter.queues.by_id.values())
    return said, heard


@pytest.mark.parametrize("seed", range(12))
def test_random_clients_leave_nothing_behind(seed: int) -> None:
    said, heard = one_run(seed, 150)
    assert heard > said / 3


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_random_clients_leave_nothing_behind() -> None:
    """A million statements; `PENSTOCK_SEED` is the first run's seed, `PENSTOCK_RUNS` how many runs of 400."""
    first, total = int(os.environ.get("PENSTOCK_SEED", "1000")), [0, 0]
    for seed in range(first, first + int(os.environ.get("PENSTOCK_RUNS", "2500"))):
        try:
            said, heard = one_run(seed, 400)
        except BaseException:
            print(f"seed {seed}", flush=True)
            raise
        total = [total[0] + said, total[1] + heard]
    print(f"{total[0]} statements, {total[1]} methods came back", flush=True)
    assert total[1] > total[0] / 3
