"""The operators of a plan, wired up: rows go from operator to operator, then the watermark follows.

Equal parts of a plan are one operator (a statement set reads its source once). Knows nothing of bytes or Kafka.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from penstock.clock import Now
from penstock.engine.operators.aggregate import RunningAggregate
from penstock.engine.operators.joins.as_of import LookupJoin, VersionJoin
from penstock.engine.operators.joins.interval import IntervalJoin
from penstock.engine.operators.joins.regular import RegularJoin
from penstock.engine.operators.joins.windowed import WindowJoin
from penstock.engine.operators.normalize import Normalize
from penstock.engine.operators.operator import NEVER_MS, Failure, Late, Moment, Operator, Sifted
from penstock.engine.operators.ordered.arriving import ArrivingOver
from penstock.engine.operators.ordered.best import BestRows
from penstock.engine.operators.ordered.first import FirstRow, Ranks
from penstock.engine.operators.ordered.over import OverAggregate
from penstock.engine.operators.ordered.top import RunningTop, WindowTop
from penstock.engine.operators.rows.union import Unite
from penstock.engine.operators.rows.unnest import UnnestRows
from penstock.engine.operators.scan import ReadTable
from penstock.engine.operators.sink import asks_before
from penstock.engine.operators.stages import Stage, Stages
from penstock.engine.operators.user.batches import MapFrames
from penstock.engine.operators.user.expand import ExpandRows
from penstock.engine.operators.user.process import ProcessRows
from penstock.engine.operators.windows.assign import Assign
from penstock.engine.operators.windows.lenient import LenientWindows
from penstock.engine.operators.windows.sessions import SessionAggregate
from penstock.engine.operators.windows.slices import WindowAggregate
from penstock.engine.plan import (
    Aggregate,
    AsOf,
    Join,
    Node,
    Over,
    Plan,
    Scan,
    Top,
    Union,
    Unnest,
    Window,
    walk,
)
from penstock.engine.plan.lifetimes import forgets
from penstock.engine.plan.tables import SINCE
from penstock.engine.plan.user import Expand, MapBatches, Process
from penstock.engine.run.figures.laps import Laps
from penstock.engine.run.rules.calls import apart
from penstock.engine.run.rules.peaks import only_peaks
from penstock.engine.run.rules.rewriting import (
    fields_read,
    prune,
    rewrite,
    scanned,
    tests_common,
    without_tested,
)
from penstock.engine.run.watermarks import START_MS, SourceTime
from penstock.engine.types import polars_type


def operator_of(node: Node) -> Operator:
    """The operator that does a node's work."""
    match node:
        case Union():
            return Unite(node)
        case Window():
            return Assign(node)
        case Aggregate():
            return _aggregate_of(node)
        case Join():
            return _join_of(node)
        case AsOf():
            return LookupJoin(node) if node.time is None else VersionJoin(node)
        case Over():
            return ArrivingOver(node) if node.clock and not node.waits_by_clock else OverAggregate(node)
        case Expand():
            return ExpandRows(node)
        case Unnest():
            return UnnestRows(node)
        case MapBatches():
            return MapFrames(node)
        case Process():
            return ProcessRows(node)
        case Top():
            return _top_of(node)
    raise AssertionError(node)


def _aggregate_of(node: Aggregate) -> Operator:
    if not node.window:
        return RunningAggregate(node)
    sessions = isinstance(node.source, Window) and node.source.kind == "SESSION"
    if sessions:
        return SessionAggregate(node)
    return LenientWindows(node) if node.late_ms else WindowAggregate(node)


def _top_of(node: Top) -> Operator:
    if node.window is not None:
        return WindowTop(node)
    types = {column.name: polars_type(column.kind) for column in node.source.schema}
    once = node.limit == 1 and not node.source.changes and Ranks.fit(types, node.order)
    if once:
        return FirstRow(node)
    return BestRows(node) if BestRows.fit(node) else RunningTop(node)


def _join_of(node: Join) -> Operator:
    if node.window is not None:
        return WindowJoin(node)
    return RegularJoin(node) if node.within is None else IntervalJoin(node)


@dataclass
class Vertex:
    """An operator in its place, reading from the vertices `inputs`, or a `source`. `readers` are (vertex, port). With
    `clock` its watermark is the wall's clock. It does the work of the plan's `nodes`, the first of them last."""

    operator: Operator
    nodes: tuple[Node, ...] = ()
    inputs: tuple[int, ...] = ()
    source: int = -1
    clock: bool = False
    readers: list[tuple[int, int]] = field(default_factory=list)
    sinks: list[int] = field(default_factory=list)
    watermark_ms: int = START_MS
    rows_in: int = 0
    rows_out: int = 0
    batches: int = 0
    busy_s: float = 0.0


class Graph:
    """Vertices in an order in which each comes after those it reads from."""

    def __init__(self, plan: Plan, laps: Laps | None = None) -> None:
        self.vertices: list[Vertex] = []
        self.laps = laps or Laps()
        self.scans: list[int] = []
        self._built: list[tuple[Node, int]] = []
        self._heads: dict[tuple[str, int | None], int] = {}
        self._reads: dict[str, int] = {}
        written = only_peaks([rewrite(sink.source) for sink in plan.sinks])
        self._tests = tests_common(written)
        nodes = [
            prune(apart(without_tested(node, self._tests)), {c.name for c in node.schema}) for node in written
        ]
        self.needed: dict[str, set[str]] = {}
        for node in nodes:
            scanned(node, {c.name for c in node.schema}, self.needed)
        self._fields = fields_read(nodes)
        self.looked_up = {
            scan.table.name
            for node in nodes
            for part in walk(node)
            if isinstance(part, AsOf) and part.time is None
            for scan in walk(part.right)
            if isinstance(scan, Scan)
        }
        for number, node in enumerate(nodes):
            self.vertices[self._build(node)].sinks.append(number)
        self._ask_befores([asks_before(sink) for sink in plan.sinks])
        for vertex in self.vertices:
            if vertex.operator.asks_rows:
                self._tell_rows(vertex)
        for number, vertex in enumerate(self.vertices):
            if isinstance(vertex.operator, Normalize):
                self._tell_deletions(number)
        self._forgets = any(forgets(node) for vertex in self.vertices for node in vertex.nodes)

    # --- building --------------------------------------------------------------------------------------------

    def _build(self, node: Node) -> int:
        for known, vertex in self._built:
            if known == node:
                return vertex
        vertex = self._made(node)
        self._built.append((node, vertex))
        return vertex

    def _made(self, node: Node) -> int:
        if isinstance(node, Scan):
            return self._scan(node)
        inputs = list(node.inputs)
        if isinstance(node, Stage):
            chain: list[Stage] = [node]
            below = node.source
            while isinstance(below, Stage) and not any(known == below for known, _ in self._built):
                chain.append(below)
                below = below.source
            return self._add(Stages(chain[::-1]), chain, [self._build(below)])
        nodes: list[Node] = [node]
        if isinstance(node, Aggregate) and node.window and isinstance(node.source, Window):
            nodes, inputs = [node, node.source], [node.source.source]
        made = self._add(operator_of(node), nodes, [self._build(one) for one in inputs])
        window = node.source if isinstance(node, Aggregate) else node
        self.vertices[made].clock = (isinstance(window, Window) and window.clock) or (
            isinstance(node, Over) and node.waits_by_clock
        )
        return made

    def _scan(self, node: Scan) -> int:
        known = self._heads.get((node.table.name, node.ttl_ms))
        if known is not None:
            return known
        head = self._read(node)
        if node.table.connector == "upsert-kafka":
            read = self.vertices[head].operator
            assert isinstance(read, ReadTable)
            schema = tuple(c for c in node.table.schema if c.name in read.names)
            head = self._add(Normalize(node.table, schema, node.ttl_ms), [node], [head])
        self._heads[node.table.name, node.ttl_ms] = head
        return head

    def _read(self, node: Scan) -> int:
        """A table is read once, whoever asks."""
        name = node.table.name
        if name not in self._reads:
            read = ReadTable(
                node, sorted(self.needed[name]), self._fields.get(name, {}), self._tests.get(name, ())
            )
            self.vertices.append(Vertex(read, (node,), source=len(self.scans)))
            self._reads[name] = len(self.vertices) - 1
            self.scans.append(self._reads[name])
        return self._reads[name]

    def _add(self, operator: Operator, nodes: Sequence[Node], inputs: Sequence[int]) -> int:
        self.vertices.append(Vertex(operator, tuple(nodes), tuple(inputs)))
        number = len(self.vertices) - 1
        for port, one in enumerate(inputs):
            self.vertices[one].readers.append((number, port))
        return number

    def _ask_befores(self, sinks: Sequence[bool]) -> None:
        """Tell each operator whether anybody asks what its rows were before they changed."""
        for vertex in reversed(self.vertices):
            readers = (self.vertices[number].operator.asks_before(port) for number, port in vertex.readers)
            vertex.operator.befores = any(sinks[one] for one in vertex.sinks) or any(readers)

    def _tell_rows(self, vertex: Vertex) -> None:
        """Let the source below say which of its rows are which, where nothing but stages is between; and, for who
        goes by time row by row, how far time had come before each."""
        marked = isinstance(vertex.operator, ProcessRows)
        if not isinstance(vertex.operator, Stages):
            vertex = self.vertices[vertex.inputs[0]]
        while isinstance(vertex.operator, Stages):
            vertex = self.vertices[vertex.inputs[0]]
        if isinstance(vertex.operator, ReadTable) and vertex.operator.table.connector == "kafka":
            vertex.operator.numbered = True
            vertex.operator.marked |= marked

    def _tell_deletions(self, number: int) -> None:
        """Let a table say when its rows were deleted, where all who read it ask for versions by their records' times."""
        normalize, read = (
            self.vertices[number].operator,
            self.vertices[self.vertices[number].inputs[0]].operator,
        )
        assert isinstance(normalize, Normalize)
        mark = read.table.watermark if isinstance(read, ReadTable) else None
        if mark is not None and mark.column == SINCE and self._versions_only(number):
            normalize.gone_at = mark.column

    def _versions_only(self, number: int) -> bool:
        below = [(self.vertices[reader], reader, port) for reader, port in self.vertices[number].readers]
        return not self.vertices[number].sinks and all(
            (isinstance(v.operator, VersionJoin) and port == 1)
            or (isinstance(v.operator, Stages) and self._versions_only(reader))
            for v, reader, port in below
        )

    # --- running ---------------------------------------------------------------------------------------------

    def rows(
        self,
        source: int,
        rows: pl.DataFrame,
        times: Sequence[SourceTime],
        partition: int,
        now: Now,
        sifted: Sifted | None = None,
    ) -> list[tuple[int, pl.DataFrame]]:
        """Rows of one source through the graph, then its watermark; what came out at the sinks, in order."""
        out: list[tuple[int, pl.DataFrame]] = []
        vertex = self.vertices[self.scans[source]]
        scan = vertex.operator
        assert isinstance(scan, ReadTable)
        if sifted is None and scan.tests:
            rows, sifted = scan.sift(rows)
        count = rows.height if sifted is None else len(sifted.kept)
        vertex.rows_in += count
        made = scan.on_rows(rows, 0, Moment(now, vertex.watermark_ms, vertex.watermark_ms)) if count else None
        if made is not None:
            made = scan.see(made, times[source], partition, sifted)
        vertex.batches += 1
        self.laps.end(vertex)
        marks = self._reached(times, now)
        if made is not None and made.height:
            self._hand_on(self.scans[source], made, marks, now, out)
        self._advance(marks, now, out)
        return out

    def advance(self, times: Sequence[SourceTime], now: Now) -> list[tuple[int, pl.DataFrame]]:
        """The watermark alone."""
        out: list[tuple[int, pl.DataFrame]] = []
        self._advance(self._reached(times, now), now, out)
        return out

    def failures(self) -> list[Failure]:
        """The rows of the last batch that users' functions failed on, each row once."""
        found = [
            one for vertex in self.vertices if vertex.operator.asks_rows for one in vertex.operator.failed()
        ]
        return list({one.row: one for one in reversed(found)}.values())[::-1]

    def late(self) -> Iterator[tuple[Vertex, Late]]:
        """The rows that came too late since it was asked last, and who dropped them, where that is wanted."""
        for vertex in self.vertices:
            found, vertex.operator.late = vertex.operator.late, []
            for one in found:
                yield vertex, one

    @property
    def due_ms(self) -> int:
        """When the clock alone brings something to do, in ms since the epoch."""
        windows = (v.operator.due_ms + 1 for v in self.vertices if v.clock)
        return min((*windows, *(v.operator.wakes_ms for v in self.vertices)), default=NEVER_MS)

    def follow_ms(self, times: Sequence[SourceTime]) -> int:
        """When event time, where it goes on by the wall's clock, brings an operator something to do."""
        if not any(time.follows and time.rested_ms is not None for time in times):
            return NEVER_MS
        due = ((number, v.operator.due_ms) for number, v in enumerate(self.vertices) if not v.clock)
        return min((self._reach_ms(n, at, times) for n, at in due if at < NEVER_MS), default=NEVER_MS)

    def _reach_ms(self, number: int, watermark_ms: int, times: Sequence[SourceTime]) -> int:
        """When, by the wall's clock alone, a vertex's watermark will have come so far."""
        vertex = self.vertices[number]
        if vertex.source >= 0:
            return times[vertex.source].due_ms(watermark_ms)
        awake = [one for one in vertex.inputs if not self._rests(one, times)]
        return max(
            self._reach_ms(one, watermark_ms + self.vertices[one].operator.delay_ms, times)
            for one in awake or vertex.inputs
        )

    def _rests(self, number: int, times: Sequence[SourceTime]) -> bool:
        vertex = self.vertices[number]
        if vertex.source >= 0:
            return times[vertex.source].resting
        return all(self._rests(one, times) for one in vertex.inputs)

    @property
    def forgets(self) -> bool:
        """Whether any operator's state has a lifetime."""
        return self._forgets

    @property
    def clock_ms(self) -> int:
        """The latest time that was acted on: a clock that is set back must not make rows late."""
        return max((v.watermark_ms + 1 for v in self.vertices if v.clock), default=0)

    def _reached(self, times: Sequence[SourceTime], now: Now) -> list[int]:
        """Each vertex's watermark after what the sources have seen: the smallest that its inputs hand on, those at
        rest left out (Flink's StatusWatermarkValve)."""
        marks: list[int] = []
        resting: list[bool] = []
        for vertex in self.vertices:
            awake = [one for one in vertex.inputs if not resting[one]]
            resting.append(times[vertex.source].resting if vertex.source >= 0 else not awake)
            if vertex.source >= 0:
                reached = times[vertex.source].advance(now.wall_ms)
            elif vertex.clock and not all(time.ended for time in times):
                reached = now.wall_ms - 1
            else:
                reached = min(
                    marks[one] - self.vertices[one].operator.delay_ms for one in awake or vertex.inputs
                )
            marks.append(max(vertex.watermark_ms, reached))
        return marks

    def _hand_on(
        self, number: int, rows: pl.DataFrame, marks: list[int], now: Now, out: list[tuple[int, pl.DataFrame]]
    ) -> None:
        vertex = self.vertices[number]
        vertex.rows_out += rows.height
        out += [
            (sink, rows) for sink in vertex.sinks
        ]  # a sink takes the columns it knows, so `$mark` stays behind
        for reader, port in vertex.readers:
            below = self.vertices[reader]
            below.rows_in += rows.height
            below.batches += 1
            made = below.operator.on_rows(rows, port, Moment(now, below.watermark_ms, marks[reader]))
            self.laps.end(below)
            if made is not None and made.height:
                self._hand_on(reader, made, marks, now, out)

    def _advance(self, marks: list[int], now: Now, out: list[tuple[int, pl.DataFrame]]) -> None:
        for number, vertex in enumerate(self.vertices):
            if marks[number] > vertex.watermark_ms:
                vertex.watermark_ms = marks[number]
                made = vertex.operator.on_watermark(marks[number], now)
                self.laps.end(vertex)
                if made is not None and made.height:
                    self._hand_on(number, made, marks, now, out)
            if now.wall_ms >= vertex.operator.wakes_ms:
                made = vertex.operator.on_clock(now)
                self.laps.end(vertex)
                if made is not None and made.height:
                    self._hand_on(number, made, marks, now, out)
