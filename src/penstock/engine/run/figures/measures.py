"""A job's figures: what went through each source, operator and sink, who reads from whom, what it cost, what is kept.

Knows the graph; knows nothing of what becomes of the figures. What is estimated, or counted since this start rather
than the job's first, takes no part in comparing two jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.engine.operators.operator import Operator
from penstock.engine.run.figures.weights import weight
from penstock.engine.run.graph import Graph
from penstock.engine.run.watermarks import END_MS, START_MS


@dataclass(frozen=True)
class SourceMeasures:
    """`watermark_ms` is None before the first time was seen, after the input's end, and for tables without a watermark."""

    table: str
    rows: int
    dead_letters: int
    watermark_ms: int | None


@dataclass(frozen=True)
class OperatorMeasures:
    """`late_rows` came after their windows had fired. Rows are totals since the job's first start."""

    name: str
    rows_in: int
    rows_out: int
    state_rows: int
    late_rows: int
    inputs: tuple[int, ...] = ()
    """The operators whose rows it reads, by their place in `JobMeasures.operators`, in the order of its ports."""
    source: int = -1
    """For a scan: the source it reads."""
    watermark_ms: int | None = None
    """What it has been told of event time, None as for sources."""
    batches: int = field(default=0, compare=False)
    """How often it was handed rows since this start."""
    busy_s: float = field(default=0.0, compare=False)
    """What it took since this start, by the clock that the job was handed; a scan's with decoding."""
    state_bytes: int = field(default=0, compare=False)
    """What it keeps in memory, estimated."""


@dataclass(frozen=True)
class SinkMeasures:
    """Rows given to a sink, changes included, by the operator `operator`; `busy_s` with encoding."""

    table: str
    rows: int
    operator: int = -1
    busy_s: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class JobMeasures:
    """A job's figures."""

    sources: tuple[SourceMeasures, ...]
    operators: tuple[OperatorMeasures, ...]
    sinks: tuple[SinkMeasures, ...]


def operators_of(graph: Graph) -> tuple[OperatorMeasures, ...]:
    """All operators, each after those it reads from."""
    return tuple(
        OperatorMeasures(
            vertex.operator.name, vertex.rows_in, vertex.rows_out, vertex.operator.state_rows,
            vertex.operator.late_rows, vertex.inputs, vertex.source, reached_ms(vertex.watermark_ms),
            vertex.batches, vertex.busy_s, _state_bytes(vertex.operator),
        )
        for vertex in graph.vertices
    )  # fmt: skip


def writers_of(graph: Graph, sinks: int) -> Sequence[int]:
    """For each sink the operator whose rows it gets."""
    writers = {sink: number for number, vertex in enumerate(graph.vertices) for sink in vertex.sinks}
    return [writers[sink] for sink in range(sinks)]


def reached_ms(watermark_ms: int) -> int | None:
    """A watermark as a time, where it is one."""
    return watermark_ms if START_MS < watermark_ms < END_MS else None


def _state_bytes(operator: Operator) -> int:
    """Who counts no state has none, whatever it holds."""
    return 0 if type(operator).state_rows is Operator.state_rows else weight(operator)
