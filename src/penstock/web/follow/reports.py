"""The shapes of what workers and sources report in `_penstock.workers`. Fields that a report leaves out have a default.

Knows nothing of where reports come from or what is made of them.
"""

from typing import Any

import msgspec

from penstock.broker.queues.names import DEFAULT_VHOST


class Problem(msgspec.Struct):
    """Why a job failed, and where in its file."""

    message: str = ""
    remedy: str | None = ""
    place: str | None = ""
    line: int | None = 0
    column: int | None = 0


class Input(msgspec.Struct):
    """What a job reads."""

    table: str
    connector: str = "kafka"
    vhost: str = DEFAULT_VHOST
    topic: str | None = ""
    rows: float = 0
    dead_letters: float = 0
    lag: float | None = None
    watermark_ms: float | None = None


class Output(msgspec.Struct):
    """What a job writes."""

    table: str
    connector: str = ""
    topic: str | None = ""
    rows: float = 0
    busy_s: float = 0


class TaskReport(msgspec.Struct):
    """A function that a job calls for the messages of a queue; attempts that were `retried` come again."""

    name: str
    vhost: str = DEFAULT_VHOST
    queue: str = ""
    dead_letter: str = ""
    done: float = 0
    retried: float = 0
    dead_letters: float = 0
    running: float = 0
    busy_s: float = 0


class OperatorReport(msgspec.Struct):
    """One operator of a job; `inputs` are places in the job's list of operators, as is an output's `operator`."""

    name: str
    inputs: list[int] = []
    source: int = -1
    rows_in: float = 0
    rows_out: float = 0
    batches: float = 0
    busy_s: float = 0
    state_rows: float = 0
    state_bytes: float = 0
    late_rows: float = 0
    watermark_ms: float | None = None


class CommitReport(msgspec.Struct):
    """A job's commits and snapshots since its start."""

    commits: float = 0
    seconds: float = 0
    interval_s: float = 0
    snapshots: float = 0
    snapshot_bytes: float = 0
    snapshot_s: float = 0


class ColumnReport(msgspec.Struct):
    """A column as declared."""

    name: str
    kind: str = "STRING"


class TableReport(msgspec.Struct):
    """A table a job declares."""

    name: str
    topic: str | None = ""
    connector: str = ""
    columns: list[ColumnReport] = []
    key: list[str] = []


class JobReport(msgspec.Struct):
    """One job: a file of pipelines and tasks that a worker runs, or fails to run."""

    name: str
    state: str = "running"
    worker: str = ""
    file: str | None = ""
    restarts: int = 0
    since_ms: int = 0
    at_ms: int = 0
    error: Problem | None = None
    inputs: list[Input] = []
    outputs: list[Output] = []
    operators: list[OperatorReport] = []
    commit: CommitReport | None = None
    tasks: list[TaskReport] = []
    tables: list[TableReport] = []


class SourceReport(msgspec.Struct):
    """A producer that is not a pipeline, such as the demo's telemetry."""

    name: str
    topic: str = ""
    rows: float = 0
    state: str = "running"
    at_ms: int = 0


_job = msgspec.json.Decoder(JobReport, strict=False).decode
_source = msgspec.json.Decoder(SourceReport, strict=False).decode
_any = msgspec.json.Decoder().decode


def read_job(value: bytes) -> tuple[JobReport, dict[str, Any]]:
    """A job's report, and all it said as it stands; raises ValueError for anything else."""
    return _job(value), _any(value)


def read_source(value: bytes) -> SourceReport:
    """A source's report; raises ValueError for anything else."""
    return _source(value)
