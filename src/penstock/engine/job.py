"""A job: one plan at work. Record batches or rows go in, rows and record batches come out; it owns no clock and no
socket, and the same inputs in any cut give the same final answers.

    job = Job(plan, EngineOptions())
    job.expect(0, range(partitions))                 # so that silent partitions hold event time back
    job.sinks[0].partitions = 3                      # so that keys go where Kafka's producers would put them
    for output in job.on_records(0, partition, batches, now): ...
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from penstock.calls import Bytes
from penstock.clock import Now
from penstock.engine.formats.source import TopicReader
from penstock.engine.operators.operator import KIND, Blocks, Sifted, nested, prefixed
from penstock.engine.operators.scan import ReadTable, typed
from penstock.engine.operators.sink import WriteTable
from penstock.engine.plan import Plan, Table, settings
from penstock.engine.run.figures.laps import Laps
from penstock.engine.run.figures.measures import (
    JobMeasures,
    SinkMeasures,
    SourceMeasures,
    operators_of,
    reached_ms,
    writers_of,
)
from penstock.engine.run.graph import Graph
from penstock.engine.run.kept.growth import Known
from penstock.engine.run.late import late_records
from penstock.engine.run.repeatable import repeatable
from penstock.engine.run.snapshot import Frozen, Snapshot, freeze, unpack
from penstock.engine.run.watermarks import SourceTime
from penstock.errors import PenstockError
from penstock.record import Record

__all__ = ["EngineOptions", "Job", "JobMeasures", "Output", "Snapshot", "Source"]


@dataclass(frozen=True)
class EngineOptions:
    """How a job works."""

    rows_max: int = 16_384
    """How many rows go through the operators at once, at most."""
    batch_bytes_max: int = 64 * 1024 * 1024
    """How large a record batch may become when it is decompressed; a larger one is a dead letter."""


@dataclass(frozen=True)
class Source:
    """A table to read; `index` is what `on_records` and the others take. One that is `first` has to be read up to its
    end before the others begin: their rows look it up as they come."""

    table: Table
    index: int
    first: bool = False


@dataclass
class Output:
    """What came out for one sink, in order: `rows` with `$kind` and `batches` as (partition or None: any, bytes).

    With `sink` None: `dead_letters`, each with the topic it goes to.
    """

    sink: int | None
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    batches: list[tuple[int | None, bytes]] = field(default_factory=list)
    dead_letters: list[tuple[str, Record]] = field(default_factory=list)


class Job:
    """Compiles a plan; raises `PenstockError` for what it cannot run. With `read_s` operators know what they took."""

    def __init__(
        self, plan: Plan, options: EngineOptions | None = None, read_s: Callable[[], float] | None = None
    ) -> None:
        self.plan, self.options = plan, options or EngineOptions()
        _check_names(plan)
        self.repeatable = repeatable(plan)
        """Whether the same calls in the same order come to the same state."""
        self.sinks = tuple(WriteTable(sink) for sink in plan.sinks)
        self.laps = Laps(read_s)
        self.graph = Graph(plan, self.laps)
        self._scans = [self._scan(vertex) for vertex in self.graph.scans]
        self.sources = tuple(
            Source(scan.table, index, scan.table.name in self.graph.looked_up)
            for index, scan in enumerate(self._scans)
        )
        self._times = [_time(scan.table) for scan in self._scans]
        self._clock_ms = 0
        self._late_topic = plan.setting(settings.LATE_TOPIC)
        for vertex in self.graph.vertices:
            vertex.operator.keeps_late = bool(self._late_topic)
        self._readers: dict[int, TopicReader] = {}
        for index, scan in enumerate(self._scans):
            if scan.table.connector in ("kafka", "upsert-kafka"):
                size = self.options.rows_max, self.options.batch_bytes_max
                self._readers[index] = TopicReader(scan.table, scan.fields, *size, scan.tests)
        self._rows, self._dead = [0] * len(self._scans), [0] * len(self._scans)

    def _scan(self, vertex: int) -> ReadTable:
        operator = self.graph.vertices[vertex].operator
        assert isinstance(operator, ReadTable)
        return operator

    # --- what comes in ---------------------------------------------------------------------------------------

    def expect(self, source: int, partitions: Iterable[int]) -> None:
        """These partitions exist: each holds event time back until it speaks or is called idle."""
        for partition in partitions:
            self._times[source].expect(partition)

    def bound(self, source: int, partition: int, end: int) -> None:
        """A partition will end before this offset. The job only keeps it: `bounds` tells it after a restart."""
        self._times[source].bounds[partition] = end

    def bounds(self, source: int) -> dict[int, int]:
        """Before which offset each partition ends, where that was said."""
        return dict(self._times[source].bounds)

    def ended(self, source: int) -> bool:
        """Whether a source was said to have ended."""
        return self._times[source].ended

    def on_records(self, source: int, partition: int, batches: Bytes, now: Now) -> list[Output]:
        """Record batches of one partition, as fetched; whole ones, in order."""
        self.laps.begin()
        now = self._steady(now)
        out: list[tuple[int, pl.DataFrame]] = []
        dead: list[Record] = []
        reader = self._readers.get(source)
        if reader is None:
            raise PenstockError(f"{self.sources[source].table.name} is not read from Kafka")
        for read in reader.read(batches, partition, now):
            dead += read.dead
            if read.rows.height or read.sifted is not None:
                out += self._run(source, partition, read.rows, now, read.sifted)
                dead += [reader.refused(read, one, partition, now) for one in self.graph.failures()]
        self.laps.end(self.graph.vertices[self.graph.scans[source]])
        self._dead[source] += len(dead)
        letters = Output(
            None, dead_letters=[(self.sources[source].table.topic + ".dlq", record) for record in dead]
        )
        return self._outputs(out, now) + ([letters] if dead else []) + self._late_ones(now)

    def on_rows(self, source: int, partition: int, rows: pl.DataFrame, now: Now) -> list[Output]:
        """Rows by column name; columns left out are NULL. `$kind` may say what each row is."""
        self.laps.begin()
        now = self._steady(now)
        scan = self._scans[source]
        stamps = dict(scan.metadata)
        fields = [*scan.fields, *(c for c in scan.table.schema if c.name in stamps)]
        out: list[tuple[int, pl.DataFrame]] = []
        for part in typed(rows, fields).iter_slices(self.options.rows_max):
            out += self._run(source, partition, part, now)
            for one in self.graph.failures():  # there is no record that could be a dead letter
                raise PenstockError(f"{one.text} ({one.kind})", place=scan.table.name)
        return self._outputs(out, now) + self._late_ones(now)

    def on_idle(self, source: int, partition: int, now: Now) -> list[Output]:
        """A partition is idle and no longer holds event time back."""
        self._times[source].rest(partition, self._steady(now).wall_ms)
        return self._advance(now)

    def on_clock(self, now: Now) -> list[Output]:
        """The wall's clock has moved on: windows over PROCTIME() that end by now fire."""
        return self._advance(now)

    @property
    def due_ms(self) -> int:
        """When `on_clock` will have something to do, in ms since the epoch; far away where nothing waits for it."""
        return min(self.graph.due_ms, self.graph.follow_ms(self._times))

    def _steady(self, now: Now) -> Now:
        """The clock, which for the engine never goes back where something goes by it."""
        if self.graph.forgets or any(time.follows for time in self._times):
            self._clock_ms = max(self._clock_ms, now.wall_ms)
        clock_ms = max(self.graph.clock_ms, self._clock_ms)
        return now if now.wall_ms >= clock_ms else Now(now.mono_s, clock_ms)

    def on_end(self, now: Now, source: int | None = None) -> list[Output]:
        """A source has ended, or (None) all input: every window over it fires."""
        for time in self._times if source is None else [self._times[source]]:
            time.ended = True
        return self._advance(now)

    def _advance(self, now: Now) -> list[Output]:
        """Event time, or the clock, has moved on."""
        self.laps.begin()
        now = self._steady(now)
        return self._outputs(self.graph.advance(self._times, now), now) + self._late_ones(now)

    def _run(
        self, source: int, partition: int, rows: pl.DataFrame, now: Now, sifted: Sifted | None = None
    ) -> list[tuple[int, pl.DataFrame]]:
        self._rows[source] += rows.height if sifted is None else len(sifted.kept)
        return self.graph.rows(source, rows, self._times, partition, now, sifted)

    # --- what goes out ---------------------------------------------------------------------------------------

    def _outputs(self, made: list[tuple[int, pl.DataFrame]], now: Now) -> list[Output]:
        parts: dict[int, list[pl.DataFrame]] = {}
        for sink, rows in made:
            parts.setdefault(sink, []).append(self.sinks[sink].shape(rows))
            self.laps.end(self.sinks[sink])
        return [self._output(sink, frames, now) for sink, frames in sorted(parts.items())]

    def _late_ones(self, now: Now) -> list[Output]:
        """The rows that came too late, as records for the topic that was named for them."""
        if not self._late_topic:
            return []
        letters = [
            (self._late_topic, record)
            for vertex, late in self.graph.late()
            for record in late_records(vertex.operator.name, vertex.nodes, late, now)
        ]
        return [Output(None, dead_letters=letters)] if letters else []

    def _output(self, sink: int, frames: list[pl.DataFrame], now: Now) -> Output:
        rows = frames[0] if len(frames) == 1 else pl.concat(frames)
        made = Output(sink, rows, self.sinks[sink].batches(rows, now))
        self.laps.end(self.sinks[sink])
        return made

    # --- state -----------------------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """What the plan computes, in short: state of another plan is refused."""
        return hashlib.sha256(
            repr([(s.table.name, _shape(s.source)) for s in self.plan.sinks]).encode()
        ).hexdigest()[:16]

    def snapshot(self) -> Snapshot:
        """All state; offsets are the worker's."""
        return self.freeze().pack()

    def freeze(self, known: Known | None = None) -> Frozen:
        """All state as it is now, copied; `pack` makes a snapshot of it, on any thread, while the job goes on.

        Without what snapshots hold already where `known` tells.
        """
        blocks: Blocks = {}
        for number, vertex in enumerate(self.graph.vertices):
            blocks |= prefixed(vertex.operator.snapshot(), str(number))
        times = [t.kept() for t in self._times]
        counts = [[v.watermark_ms, v.rows_in, v.rows_out, v.operator.late_rows] for v in self.graph.vertices]
        sinks = [sink.rows for sink in self.sinks]
        values = {
            "times": times,
            "counts": counts,
            "rows": self._rows,
            "dead": self._dead,
            "sinks": sinks,
            "clock": self._clock_ms,
        }
        return freeze(blocks, self.fingerprint, values, known or {})

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where the snapshot was taken; on a fresh job of the same plan. Raises `PenstockError`."""
        frames, values = unpack(snapshot, self.fingerprint)
        for number, vertex in enumerate(self.graph.vertices):
            vertex.operator.restore(nested(frames, str(number)))
            # Snapshots of before had three figures; windows kept the fourth themselves.
            vertex.watermark_ms, vertex.rows_in, vertex.rows_out, *late = values["counts"][number]
            vertex.operator.late_rows = late[0] if late else vertex.operator.late_rows
        for time, kept in zip(self._times, values["times"], strict=True):
            time.restore(kept)
        self._rows, self._dead = values["rows"], values["dead"]
        self._clock_ms = values.get("clock", 0)
        for sink, rows in zip(self.sinks, values["sinks"], strict=True):
            sink.rows = rows

    def measures(self) -> JobMeasures:
        """All figures; sizes are looked up now."""
        writers = writers_of(self.graph, len(self.sinks))
        sinks = tuple(
            SinkMeasures(sink.table.name, sink.rows, writer, sink.busy_s)
            for sink, writer in zip(self.sinks, writers, strict=True)
        )
        return JobMeasures(self.source_measures(), operators_of(self.graph), sinks)

    def source_measures(self) -> tuple[SourceMeasures, ...]:
        """What was read, alone."""
        return tuple(
            SourceMeasures(
                source.table.name, self._rows[source.index], self._dead[source.index],
                reached_ms(time.watermark_ms) if source.table.watermark else None,
            )
            for source, time in zip(self.sources, self._times, strict=True)
        )  # fmt: skip


def _time(table: Table) -> SourceTime:
    late_ms = table.watermark.late_ms if table.watermark is not None else 0
    return SourceTime(late_ms, follows=table.options.get("scan.watermark.idle-advance") == "true")


def _shape(node: object) -> str:
    return repr(node)


def _check_names(plan: Plan) -> None:
    """polars reads ``*`` and ``^…$`` as patterns, and columns with a dollar in front are the engine's."""
    for table in [*plan.tables, *(sink.table for sink in plan.sinks)]:
        for column in table.schema:
            if (
                column.name == "*"
                or (column.name.startswith("^") and column.name.endswith("$"))
                or column.name in (KIND, "$mark", "$now")
            ):
                raise PenstockError(
                    f"a column cannot be called {column.name}", place=table.name, remedy="choose another name"
                )
