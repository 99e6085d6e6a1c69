"""What was found beside RabbitMQ, as the tables of `docs/benchmarks.md`. Knows figures' names; measures nothing."""

from collections.abc import Sequence
from typing import Any

_FLOW = (("messages_s", "messages/s"), ("p99_ms", "p99 ms"), ("cpu_ms", "CPU ms/1,000"))
_WEIGHTS = (
    ("start", "start_s", "start, empty, seconds"), ("start", "idle_mb", "memory idle, MB"),
    ("waiting", "messages", "messages that wait, 256 B"), ("waiting", "full_mb", "memory with them, MB"),
    ("waiting", "restart_s", "start with them after `kill -9`, seconds"), ("waiting", "restarted_mb", "memory then, MB"),
)  # fmt: skip

Sides = dict[str, dict[str, float]]


def markdown(found: dict[str, Any]) -> str:
    """All tables, with a line on where and when they come from."""
    figures: dict[str, Sides] = found["amqp"]
    machine = found["machine"]
    opening = (
        f"Medians of {found['runs']}, in turn, on {machine['cores']} cores ({machine['cpu']}), {machine['memory_gb']} GB, "
        f"Python {machine['python']}, RabbitMQ {found['rabbitmq']}; {found['minutes']} minutes, load {machine['load']:.1f} at "
        "the begin. Ratios are penstock's figure over RabbitMQ's: above 1 is better for messages/s, below 1 for the rest."
    )
    parts = [
        opening,
        _flows(figures, "publish"),
        _flows(figures, "varied"),
        _flows(figures, "consume"),
        _weights(figures),
    ]
    if found["troubles"]:
        parts.append(
            "\n".join(
                ["Not measured:", "", *(f"- {trouble.splitlines()[0]}" for trouble in found["troubles"])]
            )
        )
    return "\n\n".join(part for part in parts if part)


def _flows(figures: dict[str, Sides], way: str) -> str:
    rows = [
        (
            way,
            what.split("/")[1],
            f"{what.split('/')[2]} B",
            *(cell for name, _ in _FLOW for cell in _cells(sides, name)),
        )
        for what, sides in sorted(figures.items(), key=_in_order)
        if what.startswith(way)
    ]
    head = (
        "",
        "connections",
        "message",
        *(cell for _, title in _FLOW for cell in (title, "RabbitMQ", "ratio")),
    )
    return _table(head, rows) if rows else ""


def _in_order(row: tuple[str, Sides]) -> list[int]:
    return [int(word) for word in row[0].split("/")[1:]]


def _weights(figures: dict[str, Sides]) -> str:
    rows = [
        (title, *_cells(figures[part], name)) for part, name, title in _WEIGHTS if part in figures
    ]  # fmt: skip
    return _table(("what", "penstock", "RabbitMQ", "ratio"), rows) if rows else ""


def _cells(sides: Sides, name: str) -> Sequence[str]:
    ours, theirs = (sides.get(side, {}).get(name) for side in ("penstock", "rabbitmq"))
    ratio = f"**{ours / theirs:.2g}**" if ours and theirs else "-"
    return _number(ours), _number(theirs), ratio


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
