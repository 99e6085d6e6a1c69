"""Plans, events and answers for the engine's tests: events come in random order, cuts and partitions, seeded."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
import sqlglot
from hypothesis import Phase
from sqlglot import exp

from penstock.clock import Now
from penstock.engine.job import EngineOptions, Job, Output
from penstock.engine.plan import Aggregation, Node, Plan, Sink, Table, Watermark
from penstock.engine.types import Column, Expr

NO_SHRINKING = (Phase.explicit, Phase.generate)  # a seed says it all
NOW = Now(100.0, 1_795_345_200_123)
EPOCH_MS = int(datetime(2026, 11, 22, 11, tzinfo=UTC).timestamp() * 1000)

EVENTS = (
    Column("k", "STRING"),
    Column("i", "BIGINT"),
    Column("d", "DOUBLE"),
    Column("s", "STRING"),
    Column("m", "DECIMAL(12, 2)"),
    Column("at", "TIMESTAMP(3)"),
)


def sql(text: str) -> Expr:
    """A bound expression, its columns quoted as the plan has them; names in capitals are time units."""
    return sqlglot.parse_one(text).transform(
        lambda node: (
            exp.column(node.name, quoted=True)
            if isinstance(node, exp.Column) and not node.name.isupper()
            else node
        )
    )


def events_table(late_ms: int = 1000, **options: str) -> Table:
    """The table all events come from."""
    known = {"connector": "kafka", "topic": "events", "format": "json"}
    return Table("events", EVENTS, {**known, **options}, (), Watermark("at", late_ms))


def printed(node: Node, key: tuple[str, ...] = (), connector: str = "print") -> Plan:
    """A plan that writes a node's rows to one table."""
    table = Table("out", node.schema, {"connector": connector, "topic": "out", "format": "json"}, key)
    return Plan((Sink(table, node),))


def aggregation(name: str, kind: str, text: str, where: str | None = None) -> Aggregation:
    """``aggregation("n", "BIGINT", "COUNT(DISTINCT s)")``."""
    function, _, rest = text.partition("(")
    inner = rest.rstrip(")")
    distinct = inner.startswith("DISTINCT ")
    argument = None if inner == "*" else sql(inner.removeprefix("DISTINCT "))
    return Aggregation(
        Column(name, kind), function, argument, distinct, None if where is None else sql(where)
    )


def events(
    seed: int, rows: int, *, keys: int = 5, span_ms: int = 20_000, disorder_ms: int = 1000
) -> pl.DataFrame:
    """Random events in order of arrival, none more than `disorder_ms` behind the latest; every column has nulls but `at`."""
    random = np.random.default_rng(seed)
    arrival = np.sort(random.integers(0, span_ms, rows))
    at = np.maximum(arrival - random.integers(0, disorder_ms + 1, rows), 0) + EPOCH_MS

    def holes(values: list[object]) -> list[object]:
        return [
            None if hole else value for hole, value in zip(random.random(rows) < 0.1, values, strict=True)
        ]

    return pl.DataFrame(
        {
            "k": holes([f"key-{n}" * (1 + n % 3) for n in random.integers(0, keys, rows)]),
            "i": holes(random.integers(-1000, 1000, rows).tolist()),
            "d": holes((random.integers(-4000, 4000, rows) / 8).tolist()),
            "s": holes([f"s{n}" for n in random.integers(0, 7, rows)]),
            "m": holes((random.integers(-(10**6), 10**6, rows)).tolist()),
            "at": at * 1000,
        },
        schema_overrides={"k": pl.String, "i": pl.Int64, "d": pl.Float64, "s": pl.String, "m": pl.Int64},
    ).with_columns(
        (pl.col("m").cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(12, 2)),
        pl.col("at").cast(pl.Datetime("us")),
    )


def cuts(seed: int, frame: pl.DataFrame, partitions: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """The frame's rows dealt out to partitions and cut into batches of random sizes, order kept within each."""
    random = np.random.default_rng(seed)
    dealt = frame.with_columns(pl.Series("$p", random.integers(0, partitions, frame.height)))
    at = 0
    while at < frame.height:
        size = int(random.choice([1, 2, 7, 50, 400]))
        part = dealt[at : at + size]
        for partition in random.permutation(partitions).tolist():
            rows = part.filter(pl.col("$p") == partition).drop("$p")
            if rows.height:
                yield partition, rows
        at += size


def run(
    plan: Plan, batches: Sequence[tuple[int, pl.DataFrame]], partitions: int = 1, end: bool = True
) -> pl.DataFrame:
    """All that a fresh job gives for batches of its one source, with `$kind`."""
    job = Job(plan, EngineOptions())
    job.expect(0, range(partitions))
    outputs: list[Output] = []
    for partition, rows in batches:
        outputs += job.on_rows(0, partition, rows, NOW)
    if end:
        outputs += job.on_end(NOW)
    return collect(job, outputs)


def collect(job: Job, outputs: Sequence[Output]) -> pl.DataFrame:
    """The rows of the first sink, in order."""
    frames = [output.rows for output in outputs if output.sink == 0]
    if frames:
        return pl.concat(frames)
    return job.sinks[0].shape(
        pl.DataFrame(schema=dict.fromkeys(c.name for c in job.plan.sinks[0].source.schema))
    )


def folded(changes: pl.DataFrame) -> list[tuple[object, ...]]:
    """The rows that stand after all changes; fails where one takes back what is not there."""
    held: dict[tuple[object, ...], int] = {}
    for *row, kind in changes.rows():
        key = tuple(row)
        if kind in (0, 2):
            held[key] = held.get(key, 0) + 1
        else:
            assert held.get(key, 0) > 0, f"{key} is taken back and was never given"
            held[key] -= 1
    return sorted((row for row, copies in held.items() for _ in range(copies)), key=repr)


def same(left: pl.DataFrame, right: pl.DataFrame) -> None:
    """Equal row for row whatever the order; floats to nine digits."""
    assert left.columns == right.columns and left.height == right.height

    def ordered(frame: pl.DataFrame) -> list[tuple[object, ...]]:
        return sorted(frame.rows(), key=lambda row: repr([v for v in row if not isinstance(v, float)]))

    for one, other in zip(ordered(left), ordered(right), strict=True):
        for a, b in zip(one, other, strict=True):
            close = (
                isinstance(a, float)
                and isinstance(b, float)
                and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
            )
            assert a == b or close, f"{one} is not {other}"
