"""The whole comparison with RabbitMQ: what is measured in which order, and what is kept.

Knows the parts; how they measure is theirs, how it is shown is `table`'s.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from bench.amqp.load import CONNECTIONS, Kind, consume, publish
from bench.amqp.million import waiting
from bench.amqp.sides import SIDES, Side, running
from bench.beside.figures import Figures, Found
from bench.oracle import rabbitmq as oracle

FAULTS = (OSError, RuntimeError, psutil.Error)
IDLE_S = 2.0
VARIED = 256
"""About so many bytes have messages that are all of other lengths: what servers remember of the one before is of less use."""


@dataclass(frozen=True)
class Scale:
    """How much is measured. `most_s` bounds one flow, whatever its count."""

    runs: int = 3
    messages: int = 60_000
    most_s: float = 4.0
    sizes: tuple[int, ...] = (12, 256, 1000)
    connections: tuple[int, ...] = CONNECTIONS
    waiting: int = 1_000_000
    waiting_s: float = 240.0
    sides: tuple[str, ...] = tuple(SIDES)


SHORT = Scale(runs=1, messages=2_000, most_s=2.0, sizes=(256,), connections=(1, 10), waiting=5_000)


def measure(scale: Scale) -> dict[str, Any]:
    """All that `scale` names, the servers in turn; written to `bench/out/amqp.json` as it comes."""
    found = Found("amqp", scale.runs, FAULTS, {"rabbitmq": oracle.VERSION})
    for _ in range(scale.runs):
        for name in scale.sides:
            with running(name) as side:
                _flows(found, scale, side)
            found.save()
    for name in scale.sides if scale.waiting else ():
        with running(name) as side:
            found.note("waiting", name, lambda: waiting(side, scale.waiting, scale.waiting_s))
        found.save()
    return found.report()


def _flows(found: Found, scale: Scale, side: Side) -> None:
    """Everything that one server is put to in one run; what was published is what is then consumed."""
    time.sleep(IDLE_S)
    found.note("start", side.name, lambda: {"start_s": side.start_s, "idle_mb": side.memory_mb()})
    publish(side, Kind("warm", 256), 1, scale.messages // 4, scale.most_s)
    consume(side, "warm", 1, scale.messages // 8, scale.most_s)
    for size in scale.sizes:
        for connections in scale.connections:
            _there_and_back(found, scale, side, size, connections)
    for connections in scale.connections:
        kind = Kind("varied", VARIED, varied=True)
        found.note(
            f"varied/{connections}/{VARIED}",
            side.name,
            partial(publish, side, kind, connections, scale.messages, scale.most_s),
        )


def _there_and_back(found: Found, scale: Scale, side: Side, size: int, connections: int) -> None:
    queue, what = f"queue-{size}-{connections}", f"{connections}/{size}"
    sent: list[Figures] = []

    def there() -> Figures:
        sent.append(publish(side, Kind(queue, size), connections, scale.messages, scale.most_s))
        return sent[0]

    found.note(f"publish/{what}", side.name, there)
    if sent:
        count = int(sent[0]["count"])
        found.note(
            f"consume/{what}", side.name, lambda: consume(side, queue, connections, count, scale.most_s)
        )
