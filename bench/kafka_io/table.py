"""What was found, as the tables of `docs/benchmarks.md`. Knows figures' names; measures nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

Figures = dict[str, dict[str, dict[str, float]]]
Row = Sequence[str]


def markdown(found: dict[str, Any]) -> str:
    """All tables, with a line on where and when they come from."""
    figures: Figures = found["kafka_io"]
    machine = found["machine"]
    opening = (
        f"Medians of {found['runs']}, in turn, on {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gb']} GB, Python {machine['python']}, Apache Kafka {found['kafka']} (one KRaft node, "
        f"1 GB heap); {found['minutes']} minutes, load {machine['load']:.1f} at the begin. Ratios are penstock's figure "
        "over Kafka's: above 1 is better for MB/s and requests/s, below 1 for the rest."
    )
    parts = [opening, *(table for table in _tables(figures) if table.count("\n") > 1)]
    if found["troubles"]:
        parts.append("\n".join(["Not measured:", "", *(f"- {trouble}" for trouble in found["troubles"])]))
    return "\n\n".join(parts)


def _tables(figures: Figures) -> Iterator[str]:
    yield _table(
        ("record", "fsync", *_beside("produce MB/s"), *_beside("consume MB/s"), *_beside("CPU ms/MB in"),
         *_beside("CPU ms/MB out")),
        [
            (_size(what[1]), what[2], *(cell for figure in _BULK for cell in _cells(sides, figure)))
            for what, sides in _rows(figures, "bulk")
        ],
    )  # fmt: skip
    yield _table(
        ("connections", "fsync", *_beside("requests/s"), *_beside("p50 ms"), *_beside("p99 ms")),
        [
            (what[1], what[2], *(cell for figure in _SMALL for cell in _cells(sides, figure)))
            for what, sides in _rows(figures, "small")
        ],
    )
    yield _table(
        ("record", "fsync", "load", "records/s", *_beside("p50 ms"), *_beside("p99 ms"), *_beside("p99.9 ms")),
        [
            (_size(what[1]), what[2], what[3], f"{_any(sides)['records_s']:,.0f}",
             *(cell for figure in _LATENCY for cell in _cells(sides, figure)))
            for what, sides in _rows(figures, "latency")
        ],
    )  # fmt: skip
    yield _table(("what", *_beside("value")), list(_weights(figures)))


_BULK = ("produce_mb_s", "consume_mb_s", "produce_cpu_ms_mb", "consume_cpu_ms_mb")
_SMALL = ("requests_s", "p50_ms", "p99_ms")
_LATENCY = ("p50_ms", "p99_ms", "p999_ms")


def _weights(figures: Figures) -> Iterator[Row]:
    start = figures.get("start", {})
    yield "start, empty, seconds", *_cells(start, "start_s")
    yield "memory idle, MB", *_cells(start, "idle_mb")
    for what, sides in _rows(figures, "loaded"):
        yield f"memory at the most, fsync {what[1]}, MB", *_cells(sides, "loaded_mb")


def _rows(figures: Figures, part: str) -> list[tuple[list[str], dict[str, dict[str, float]]]]:
    found = [(what.split("/"), sides) for what, sides in figures.items()]
    chosen = [(what, sides) for what, sides in found if what[0] == part]
    return sorted(chosen, key=lambda row: [int(w.rstrip("%")) if w[0].isdigit() else w for w in row[0][1:]])


def _any(sides: dict[str, dict[str, float]]) -> dict[str, float]:
    return next(iter(sides.values()))


def _cells(sides: dict[str, dict[str, float]], figure: str) -> Row:
    ours, theirs = (sides.get(name, {}).get(figure) for name in ("penstock", "kafka"))
    ratio = f"**{ours / theirs:.2g}**" if ours and theirs else "-"
    return _number(ours), _number(theirs), ratio


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _size(size: str) -> str:
    return f"{int(size) // 1000} kB" if int(size) >= 1000 else f"{size} B"


def _beside(figure: str) -> Row:
    return figure, "Kafka", "ratio"


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
