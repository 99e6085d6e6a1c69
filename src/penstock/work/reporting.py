"""What a worker tells the world: one record a job in `_penstock.workers`, every second and at every change.

Knows the record's form (ARCHITECTURE, "Worker state"); never lets a slow or absent server hold up the jobs.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from penstock import record
from penstock.client import Client, KafkaError
from penstock.engine.job import Job
from penstock.engine.plan import Table
from penstock.engine.run.figures.measures import OperatorMeasures
from penstock.record import Record
from penstock.sql.explain import line_of
from penstock.work.keeping import Keeper
from penstock.work.running import Run, read_clocks

if TYPE_CHECKING:
    from penstock.tasks.running import Running

TOPIC = "_penstock.workers"
CONFIGS = {
    "cleanup.policy": "compact,delete",
    "retention.ms": "3600000",
    "retention.bytes": str(16 * 1024 * 1024),
    "segment.bytes": str(4 * 1024 * 1024),
}
EVERY_S = 1.0
OPERATORS_MAX = 200
DETAIL_MAX = 200
NOTHING: dict[str, Any] = {
    "inputs": [], "outputs": [], "operators": [], "tables": [], "tasks": [], "commit": None,
}  # fmt: skip


class Reporter:
    """Reports all jobs of a worker. `changed` has a report made soon."""

    def __init__(self, client: Client, worker: str, keepers: Mapping[Any, Keeper]) -> None:
        self._client, self._worker, self._keepers = client, worker, keepers
        self._changed = asyncio.Event()
        self._gone: list[str] = []

    def changed(self) -> None:
        """Something changed: do not wait for the next second."""
        self._changed.set()

    def gone(self, name: str) -> None:
        """A job is no more: its record is deleted."""
        self._gone.append(name)
        self.changed()

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            try:
                await self._client.create_topic(TOPIC, 1, CONFIGS, exist_ok=True)
                break
            except KafkaError:
                await asyncio.sleep(EVERY_S)
        while True:
            self._changed.clear()
            try:
                await self.report()
            except KafkaError:
                await asyncio.sleep(EVERY_S)
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()
                # A burst of changes is one report.
                await asyncio.sleep(0.05)
            except TimeoutError:
                pass

    async def report(self) -> None:
        """One report of everything, now."""
        now_ms = read_clocks().wall_ms
        records = []
        for keeper in list(self._keepers.values()):
            value = json.dumps(describe(keeper, self._worker, now_ms), default=str).encode()
            records.append(Record(f"job/{keeper.name}".encode(), value, now_ms))
        gone, self._gone = self._gone, []
        names = {keeper.name for keeper in self._keepers.values()}
        records += [Record(f"job/{name}".encode(), None, now_ms) for name in gone if name not in names]
        if records:
            await self._client.append(TOPIC, 0, record.encode(records))


def describe(keeper: Keeper, worker: str, now_ms: int) -> dict[str, Any]:
    """A job as its record in `_penstock.workers` shows it."""
    error, run, tasks = keeper.error, keeper.run, keeper.tasks
    figures = _figures(run) if run and run.job else dict(NOTHING)
    if tasks is not None:
        _add_tasks(figures, tasks)
    return {
        "kind": "job",
        "name": keeper.name,
        "state": keeper.state,
        "worker": worker,
        "pid": os.getpid(),
        "file": str(keeper.path),
        "sql": keeper.text.decode(errors="replace"),
        "restarts": keeper.restarts,
        "since_ms": keeper.since_ms,
        "at_ms": now_ms,
        "error": error
        and {
            "message": error.message,
            "remedy": error.remedy,
            "place": error.place,
            "line": error.line,
            "column": error.column,
        },
        "notes": [
            *([*run.notes, *run.waits()] if run else []),
            *([tasks.trouble] if tasks and tasks.trouble else []),
        ],
        **figures,
    }


def _figures(run: Run) -> dict[str, Any]:
    assert run.job
    measures = run.job.measures()
    inputs = []
    for index, source in enumerate(run.job.sources[: len(run.sources)]):
        told = measures.sources[index]
        inputs.append(
            {
                **_named(source.table),
                "rows": told.rows,
                "dead_letters": told.dead_letters,
                "lag": run.sources[index].lag,
                "watermark_ms": told.watermark_ms,
            }
        )
    outputs = [
        {**_named(sink.table), "rows": told.rows, "operator": told.operator, "busy_s": round(told.busy_s, 6)}
        for sink, told in zip(run.job.sinks, measures.sinks, strict=True)
    ]
    live = {s.table.name: s.table for s in run.job.sinks if s.table.connector == "upsert-kafka"}
    return {
        "inputs": inputs,
        "outputs": outputs,
        "operators": _operators(run.job, measures.operators),
        "commit": run.commits.figures(),
        "tables": [_table(t) for t in live.values()],
        "tasks": [],
    }


def _add_tasks(figures: dict[str, Any], running: "Running") -> None:
    """Each task; and each queue as an input, whose lag is the calls that wait, each topic of results as an output."""
    inputs, outputs, tasks = [], [], []
    for queue, known in running.queues.items():
        told = {task: running.figures[task] for task in known.values()}
        inputs.append(
            {
                "table": queue,
                "connector": "amqp",
                "vhost": running.vhost,
                "topic": "",
                "rows": sum(each.taken for each in told.values()),
                "dead_letters": sum(each.dead_letters for each in told.values()),
                "lag": running.waiting[queue],
                "watermark_ms": None,
            }
        )
        for task, each in told.items():
            named = {
                "name": task.name,
                "vhost": running.vhost,
                "queue": queue,
                "dead_letter": task.dead_letter,
                "result": task.result,
            }
            tasks.append(
                {**named, "concurrency": task.concurrency, **asdict(each), "busy_s": round(each.busy_s, 6)}
            )
            if task.result:
                outputs.append(
                    {
                        "table": task.result,
                        "connector": "kafka",
                        "topic": task.result,
                        "rows": each.done,
                        "busy_s": 0.0,
                    }
                )
    figures |= {"inputs": figures["inputs"] + inputs, "outputs": figures["outputs"] + outputs, "tasks": tasks}


def _operators(job: Job, told: Sequence[OperatorMeasures]) -> list[dict[str, Any]]:
    """The first of a job's operators, each with what it does; the record has room for no more."""
    return [
        {
            **asdict(one),
            "busy_s": round(one.busy_s, 6),
            "detail": shortened(" → ".join(map(line_of, reversed(vertex.nodes)))),
        }
        for one, vertex in zip(told[:OPERATORS_MAX], job.graph.vertices, strict=False)
    ]


def shortened(text: str) -> str:
    """A line that fits a title."""
    return text if len(text) <= DETAIL_MAX else text[: DETAIL_MAX - 1] + "…"


def _named(table: Table) -> dict[str, str]:
    topic = table.topic if "kafka" in table.connector else ""
    return {"table": table.name, "connector": table.connector, "topic": topic}


def _table(table: Table) -> dict[str, Any]:
    columns = [{"name": column.name, "kind": column.kind} for column in table.schema]
    return {**_named(table), "name": table.name, "columns": columns, "key": list(table.key)}
