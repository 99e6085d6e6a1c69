"""Jobs, sources and declared tables, as the workers' reports tell; rates from their totals.

Knows no topic and no clock. A table stays known while its job cannot be read (a broken edit must not take a table
away from those who look at it), until the job itself is gone.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from penstock.record import Record
from penstock.tables.columns import TableColumn
from penstock.tables.live import Declared
from penstock.web.follow.reports import JobReport, SourceReport, TableReport, read_job, read_source
from penstock.web.follow.series import Levels, Series

STALE_MS = 5_000
log = logging.getLogger("penstock.web")


@dataclass
class Job:
    """One job and its recent past."""

    report: JobReport
    raw: dict[str, Any]
    rows_in: Series = field(default_factory=Series)
    rows_out: Series = field(default_factory=Series)
    ways: dict[str, Series] = field(default_factory=dict)
    lag: Levels = field(default_factory=Levels)
    dead: Levels = field(default_factory=Levels)
    tables: list[TableReport] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Whether someone should be heard from."""
        return self.report.state in ("starting", "running")

    def stale(self, now_ms: int) -> bool:
        """Whether its worker has gone quiet."""
        return self.live and now_ms - self.report.at_ms > STALE_MS

    def way(self, name: str) -> float:
        """What a total of `_totals` grows by in a second."""
        return self.ways[name].rate if name in self.ways else 0.0


@dataclass
class Source:
    """One source and its recent past."""

    report: SourceReport
    rows: Series = field(default_factory=Series)

    def stale(self, now_ms: int) -> bool:
        """Whether it has gone quiet."""
        return self.report.state == "running" and now_ms - self.report.at_ms > STALE_MS


class Jobs:
    """Folds the records of `_penstock.workers`."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.sources: dict[str, Source] = {}
        self.version = 0  # counts changes of what tables are declared

    def take(self, record: Record) -> None:
        """One report, or the end of one."""
        kind, _, name = (record.key or b"").decode(errors="replace").partition("/")
        try:
            if kind == "job":
                self._job(name, record.value)
            elif kind == "source":
                self._source(name, record.value)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            log.warning("a report of %s/%s cannot be read: %s", kind, name, error)

    def _job(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.version += self.jobs.pop(name, None) is not None
            return
        report, raw = read_job(value)
        job = self.jobs.setdefault(name, Job(report, raw))
        job.report, job.raw = report, raw
        if report.tables and report.tables != job.tables:
            job.tables = report.tables
            self.version += 1
        at_ms = report.at_ms
        job.rows_in.read(sum(each.rows for each in report.inputs), at_ms)
        job.rows_out.read(sum(each.rows for each in report.outputs), at_ms)
        totals = list(_totals(report))
        job.ways = {way: job.ways.get(way) or Series() for way, _ in totals}
        for way, rows in totals:
            job.ways[way].read(rows, at_ms)
        job.lag.read(sum(each.lag or 0 for each in report.inputs))
        job.dead.read(sum(each.dead_letters for each in report.inputs))

    def _source(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.sources.pop(name, None)
            return
        report = read_source(value)
        source = self.sources.setdefault(name, Source(report))
        source.report = report
        source.rows.read(report.rows, report.at_ms)

    def tables(self) -> dict[str, tuple[Declared, str]]:
        """Live tables by name, each with its topic: what jobs declare with the connector ``upsert-kafka``.

        Where several jobs declare one, the job that writes it is believed.
        """
        found: dict[str, tuple[Declared, str]] = {}
        ranked = sorted(self.jobs.items(), key=lambda item: item[0])
        for writes in (True, False):
            for _, job in ranked:
                written = {each.table for each in job.report.outputs}
                for table in job.tables:
                    if table.connector == "upsert-kafka" and (table.name in written) == writes:
                        found.setdefault(table.name, (_declared(table), table.topic or table.name))
        return found


def _totals(report: JobReport) -> Iterator[tuple[str, float]]:
    """What only grows, by name: rows through each input and output, and each operator's by its place; seconds at work."""
    for read in report.inputs:
        yield f"in:{read.table}", read.rows
    for number, written in enumerate(report.outputs):
        yield f"out:{written.table}", written.rows
        yield f"sink:{number}:busy", written.busy_s
    for number, one in enumerate(report.operators):
        yield f"op:{number}:in", one.rows_in
        yield f"op:{number}:out", one.rows_out
        yield f"op:{number}:busy", one.busy_s


def _declared(table: TableReport) -> Declared:
    columns = tuple(TableColumn(column.name, column.kind) for column in table.columns)
    return Declared(table.name, columns, tuple(table.key))
