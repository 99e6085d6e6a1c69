"""A pipeline under test: no server, no sleep, time by hand.

    with app.test(start="2026-01-01T00:00:00Z") as t:
        t.send("payments", card="c1", amount=120.0, at=t.now)
        t.advance("1s")
        assert t.read("alerts") == [("c1", "over cap")]

Runs the engine's job as a worker would, through record batches, so formats and dead letters are under test as well.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import msgspec
import polars as pl

from penstock import dead_letters as letters
from penstock import dsl, record
from penstock.clock import Now
from penstock.durations import Duration, milliseconds
from penstock.engine.job import Job, Output
from penstock.engine.plan import Plan, Table
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.sql.faults import did_you_mean
from penstock.sql.nodes.values import ONE
from penstock.tasks.declaring import Tasks
from penstock.tasks.task import Task
from penstock.tasks.trial import Memory

START = "2026-01-01T00:00:00Z"
DELIVERIES_MAX = 1000
BEFORE, DELETE = 1, 3  # what `$kind` says of rows that are taken back
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class App(dsl.App, Tasks):
    """The app that users build: the plan's builder, its tasks, and a way to test them."""

    def __init__(self, name: str, **more: Any) -> None:
        """As `penstock.dsl.app.App`."""
        dsl.App.__init__(self, name, **more)
        Tasks.__init__(self)

    def plan(self) -> Plan:
        """What the app writes; with tasks it may be nothing."""
        return Plan((), ()) if self.tasks and self.writes_nothing else super().plan()

    def test(self, start: str | datetime = START) -> "Trial":
        """The app's pipelines at the time `start`, waiting for records."""
        return Trial(self.plan(), start, self.tasks)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be read: the topic it goes to, why, and its bytes."""

    topic: str
    reason: str
    value: bytes | None


class Trial:
    """One job, its topics in memory, and a clock that moves when told."""

    def __init__(
        self, plan: Plan, start: str | datetime = START, tasks: Mapping[str, Task[..., Any]] | None = None
    ) -> None:
        self.plan, self.job = plan, Job(plan)
        self.errors: list[DeadLetter] = []
        self._start = _moment(start)
        self._passed_ms = 0
        self._offsets: dict[str, int] = {}
        self._heard_ms: dict[str, int] = {}
        self._read: dict[str, Rows] = {sink.table.name: Rows(sink.table) for sink in plan.sinks}
        for source in self.job.sources:
            self.job.expect(source.index, [0])
        self._results: dict[str, list[Any]] = {}
        self._calls = Memory(tasks or {}, self._clock().wall_ms, self._result)
        self._give_values()

    def _give_values(self) -> None:
        """The rows that stand in the pipelines themselves come before all others."""
        for source in self.job.sources:
            if source.table == ONE:
                found = self.job.on_rows(
                    source.index, 0, pl.DataFrame({ONE.schema[0].name: [0]}), self._clock()
                )
                self._deliver(self._taken([*found, *self.job.on_end(self._clock(), source.index)]))

    def __enter__(self) -> Self:
        self._calls.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.end()

    @property
    def now(self) -> datetime:
        """The time, in UTC and without a zone, as SQL's TIMESTAMP is."""
        return self._start + timedelta(milliseconds=self._passed_ms)

    def advance(self, duration: Duration) -> None:
        """Let time pass: windows and timers of the wall's clock that are due meanwhile fire, and sources that have
        been silent for their table's ``scan.watermark.idle-timeout`` no longer hold event time back."""
        self._calls.until(self._clock().wall_ms + milliseconds(duration))
        self._passed_ms += milliseconds(duration)
        for source in self.job.sources:
            idle = source.table.options.get("scan.watermark.idle-timeout")
            silent_ms = self._passed_ms - self._heard_ms.get(source.table.topic, 0)
            if idle is not None and silent_ms >= milliseconds(idle):
                self._deliver(self._taken(self.job.on_idle(source.index, 0, self._clock())))
        self._deliver(self._taken(self.job.on_clock(self._clock())))

    def send(self, name: str, **fields: Any) -> None:
        """Produce a record to a topic or table; columns left out are null."""
        self.send_all(name, [fields])

    def send_all(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Produce several records at once, in one batch."""
        table = self._source(name)
        stamp_ms = self._clock().wall_ms
        records = [Record(*self._pair(name, table, fields), stamp_ms, ()) for fields in rows]
        if records:
            self._deliver([(table.topic, record.encode(records))])

    def _pair(self, name: str, table: Table, fields: Mapping[str, Any]) -> tuple[bytes | None, bytes]:
        known = [c.name for c in table.written]
        for field in fields:
            if field not in known:
                raise PenstockError(
                    f"{name} has no column {field}", remedy=did_you_mean(field, known, "columns")
                )
        return _encoded(table, fields, table.key) if table.key else None, _encoded(table, fields, known)

    def delete(self, name: str, **key: Any) -> None:
        """Produce a tombstone: the row with this key is gone."""
        table = self._source(name)
        if set(key) != set(table.key) or not table.key:
            raise PenstockError(
                f"the key of {name} is ({', '.join(table.key)})", remedy="name each of its columns"
            )
        self.send_bytes(name, None, _encoded(table, key, table.key))

    def send_bytes(self, name: str, value: bytes | None, key: bytes | None = None) -> None:
        """Produce a record as it stands, whatever is in it."""
        moment = self._clock()
        batch = record.encode([Record(key, value, moment.wall_ms, ())])
        self._deliver([(self._source(name).topic, batch)])

    def end(self) -> None:
        """End all input: every window that is still open closes."""
        self._deliver(self._taken(self.job.on_end(self._clock())))

    def read(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of a topic in order, or the current rows of a table that changes."""
        found = self._read.get(name) or next((r for r in self._read.values() if r.table.topic == name), None)
        if found is None:
            raise PenstockError(
                f"nothing writes {name}", remedy=did_you_mean(name, self._read, "written tables")
            )
        return found.current()

    # --- tasks ---------------------------------------------------------------------------------------------------

    def letters(self, queue: str) -> list[letters.DeadLetter]:
        """The calls that were given up to a queue of dead letters, oldest first."""
        return list(self._calls.letters.get(queue, ()))

    def waiting(self, queue: str) -> int:
        """How many calls of a queue are due later: sent so, or to be tried again."""
        return self._calls.waiting(queue)

    def results(self, topic: str) -> list[Any]:
        """What tasks returned into a topic."""
        return list(self._results.get(topic, ()))

    def _result(self, topic: str, found: Record) -> None:
        self._results.setdefault(topic, []).append(msgspec.json.decode(found.value or b"null"))
        self._deliver([(topic, record.encode([found]))])

    def _clock(self) -> Now:
        wall_ms = (self._start.replace(tzinfo=UTC) - datetime.fromtimestamp(0, UTC)) // timedelta(
            milliseconds=1
        )
        return Now(self._passed_ms / 1000, wall_ms + self._passed_ms)

    def _source(self, name: str) -> Table:
        tables = {source.table.name: source.table for source in self.job.sources}
        found = tables.get(name) or next((t for t in tables.values() if t.topic == name), None)
        if found is None:
            raise PenstockError(
                f"nothing reads {name}", remedy=did_you_mean(name, tables, "tables that are read")
            )
        return found

    def _deliver(self, batches: Iterable[tuple[str, bytes]]) -> None:
        """Hand batches to the sources of their topics, and what comes out of that again."""
        waiting, delivered = list(batches), 0
        while waiting:
            topic, batch = waiting.pop(0)
            delivered += 1
            self._heard_ms[topic] = self._passed_ms
            if delivered > DELIVERIES_MAX:
                raise PenstockError(f"the pipelines feed each other for ever, through {topic}")
            placed = bytearray(batch)
            (info,) = record.scan(placed)
            record.place(placed, 0, self._offsets.get(topic, 0))
            self._offsets[topic] = self._offsets.get(topic, 0) + info.count
            for source in self.job.sources:
                if source.table.topic == topic:
                    waiting += self._taken(self.job.on_records(source.index, 0, placed, self._clock()))

    def _taken(self, outputs: list[Output]) -> list[tuple[str, bytes]]:
        """Keep what came out; the batches it is as records."""
        batches = []
        for output in outputs:
            self.errors += [_dead(topic, letter) for topic, letter in output.dead_letters]
            if output.sink is not None:
                table = self.plan.sinks[output.sink].table
                self._read[table.name].add(output.rows.rows())
                batches += [(table.topic, batch) for _, batch in output.batches]
        return batches


class Rows:
    """What a table holds: rows by key where it has one, else all that were not taken back."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._at = [index for index, c in enumerate(table.written) if c.name in table.key]
        self._by_key: dict[tuple[Any, ...], tuple[Any, ...] | None] = {}
        self._all: list[tuple[Any, ...]] = []

    def add(self, changes: Iterable[tuple[Any, ...]]) -> None:
        """Take in rows whose last value is their kind."""
        for *values, kind in changes:
            row, gone = tuple(values), kind in (BEFORE, DELETE)
            if self._at:
                self._by_key[tuple(row[index] for index in self._at)] = None if gone else row
            elif not gone:
                self._all.append(row)
            elif row in self._all:
                self._all.remove(row)

    def current(self) -> list[tuple[Any, ...]]:
        """The rows, keys in the order they were first seen."""
        return [row for row in self._by_key.values() if row is not None] if self._at else list(self._all)


def _moment(start: str | datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else start
    except ValueError:
        raise PenstockError(f"{start!r} is not a time", remedy=f'as in "{START}"') from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _encoded(table: Table, fields: Mapping[str, Any], names: Iterable[str]) -> bytes:
    kinds = {c.name: c.kind for c in table.schema}
    iso = table.options.get(
        "json.timestamp-format.standard", table.options.get("value.json.timestamp-format.standard")
    )
    between = "T" if iso == "ISO-8601" else " "
    return _ENCODER.encode({name: _written(fields.get(name), kinds[name], between) for name in names})


def _written(value: Any, kind: str, between: str) -> Any:
    """A Python value as Flink's JSON format writes its kind."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        zone = "Z" if kind.startswith("TIMESTAMP_LTZ") else ""
        return moment.isoformat(sep=between, timespec="microseconds") + zone
    if isinstance(value, date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _dead(topic: str, letter: Record) -> DeadLetter:
    headers = dict(letter.headers)
    reason = headers.get("__connect.errors.exception.message") or b""
    return DeadLetter(topic, reason.decode(), letter.value)
