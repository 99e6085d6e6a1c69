"""What was found beside RabbitMQ, as the tables of `docs/benchmarks.md`. Knows figures' names; measures nothing."""

from typing import Any

from bench.beside.figures import Sides
from bench.beside.table import Rival, rows, table

RABBITMQ = Rival("rabbitmq", "RabbitMQ", "RabbitMQ {}", "messages/s")
FLOW = {"messages_s": "messages/s", "p99_ms": "p99 ms", "cpu_ms": "CPU ms/1,000"}
WEIGHTS = (
    ("start", "start_s", "start, empty, seconds"), ("start", "idle_mb", "memory idle, MB"),
    ("waiting", "messages", "messages that wait, 256 B"), ("waiting", "full_mb", "memory with them, MB"),
    ("waiting", "restart_s", "start with them after `kill -9`, seconds"), ("waiting", "restarted_mb", "memory then, MB"),
)  # fmt: skip


def markdown(found: dict[str, Any]) -> str:
    """All tables, with a line on where and when they come from."""
    figures: dict[str, Sides] = found["amqp"]
    flows = [_flows(figures, way) for way in ("publish", "varied", "consume")]
    weights = [
        (title, *RABBITMQ.cells(figures[part], name)) for part, name, title in WEIGHTS if part in figures
    ]
    return RABBITMQ.markdown(found, [*flows, table(("what", "penstock", "RabbitMQ", "ratio"), weights)])


def _flows(figures: dict[str, Sides], way: str) -> str:
    return table(
        ("", "connections", "message", *RABBITMQ.beside(*FLOW.values())),
        [
            (way, connections, f"{size} B", *RABBITMQ.cells(sides, *FLOW))
            for (_, connections, size), sides in rows(figures, way)
        ],
    )
