"""What was found beside Kafka, as the tables of `docs/benchmarks.md`. Knows figures' names; measures nothing."""

from collections.abc import Iterator
from typing import Any

from bench.beside.figures import Sides
from bench.beside.table import Rival, Row, rows, table

KAFKA = Rival("kafka", "Kafka", "Apache Kafka {} (one KRaft node, 1 GB heap)", "MB/s and requests/s")
BULK = ("produce_mb_s", "consume_mb_s", "produce_cpu_ms_mb", "consume_cpu_ms_mb")
SMALL = ("requests_s", "p50_ms", "p99_ms")
LATENCY = ("p50_ms", "p99_ms", "p999_ms")


def markdown(found: dict[str, Any]) -> str:
    """All tables, with a line on where and when they come from."""
    return KAFKA.markdown(found, _tables(found["kafka_io"]))


def _tables(figures: dict[str, Sides]) -> Iterator[str]:
    yield table(
        ("record", "fsync", *KAFKA.beside("produce MB/s", "consume MB/s", "CPU ms/MB in", "CPU ms/MB out")),
        [(_size(what[1]), what[2], *KAFKA.cells(sides, *BULK)) for what, sides in rows(figures, "bulk")],
    )
    yield table(
        ("connections", "fsync", *KAFKA.beside("requests/s", "p50 ms", "p99 ms")),
        [(what[1], what[2], *KAFKA.cells(sides, *SMALL)) for what, sides in rows(figures, "small")],
    )
    yield table(
        ("record", "fsync", "load", "records/s", *KAFKA.beside("p50 ms", "p99 ms", "p99.9 ms")),
        [
            (
                _size(what[1]),
                what[2],
                what[3],
                f"{_any(sides)['records_s']:,.0f}",
                *KAFKA.cells(sides, *LATENCY),
            )
            for what, sides in rows(figures, "latency")
        ],
    )
    yield table(("what", *KAFKA.beside("value")), _weights(figures))


def _weights(figures: dict[str, Sides]) -> Iterator[Row]:
    start = figures.get("start", {})
    yield "start, empty, seconds", *KAFKA.cells(start, "start_s")
    yield "memory idle, MB", *KAFKA.cells(start, "idle_mb")
    for what, sides in rows(figures, "loaded"):
        yield f"memory at the most, fsync {what[1]}, MB", *KAFKA.cells(sides, "loaded_mb")


def _any(sides: Sides) -> dict[str, float]:
    return next(iter(sides.values()))


def _size(size: str) -> str:
    return f"{int(size) // 1000} kB" if int(size) >= 1000 else f"{size} B"
