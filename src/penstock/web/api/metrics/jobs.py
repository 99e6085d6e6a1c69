"""The pipelines' part of GET /metrics: each job, its operators, its commits. Knows reports; knows no request.

Labels are bounded: a job reports at most 200 operators, and an operator is called by its place and kind.
"""

from collections.abc import Iterator, Mapping

from penstock.web.follow.jobs import Job
from penstock.web.follow.reports import CommitReport, JobReport, OperatorReport
from penstock.web.http.exposition import Family

STATES = ("starting", "running", "failed", "stopped", "finished")
OPERATORS_MAX, NAME_MAX = 200, 40

# Metric, its kind, the report's field, what it means.
OPERATORS = (
    ("rows_in_total", "counter", "rows_in", "Rows an operator was given."),
    ("rows_out_total", "counter", "rows_out", "Rows an operator gave."),
    ("batches_total", "counter", "batches", "How often an operator was given rows."),
    ("busy_seconds_total", "counter", "busy_s", "How long an operator was at work; a scan's with decoding."),
    ("late_rows_total", "counter", "late_rows", "Rows that came after their window had closed."),
    ("state_rows", "gauge", "state_rows", "Rows or cells that an operator keeps."),
    ("state_bytes", "gauge", "state_bytes", "What an operator keeps in memory, estimated."),
)
COMMITS = (
    ("commits_total", "counter", "commits", "Commits of a job since its start."),
    ("commit_seconds_total", "counter", "seconds", "How long commits took, from sealing to the last answer."),
    ("commit_interval_seconds", "gauge", "interval_s", "How far apart a job's commits are now."),
    ("snapshots_total", "counter", "snapshots", "Snapshots of a job's state since its start."),
    ("snapshot_bytes", "gauge", "snapshot_bytes", "How large the newest snapshot is."),
    ("snapshot_seconds", "gauge", "snapshot_s", "How long the newest snapshot took to write."),
)


def job_families(jobs: Mapping[str, Job]) -> Iterator[Family]:
    """All families of all jobs, by name."""
    reports = [(name, job.report) for name, job in sorted(jobs.items())]
    yield from _pipelines(reports)
    yield from _operators(reports)
    yield from _sinks(reports)
    yield from _commits(reports)
    yield _lag(reports)


def _pipelines(reports: list[tuple[str, JobReport]]) -> Iterator[Family]:
    rows = Family("penstock_pipeline_rows_total", "counter", "Rows a pipeline read and wrote.")
    lag = Family("penstock_pipeline_lag_records", "gauge", "Records that wait for a pipeline.")
    dead = Family("penstock_pipeline_dead_letters_total", "counter", "Records a pipeline could not read.")
    watermark = Family(
        "penstock_pipeline_watermark_seconds", "gauge", "A pipeline's event time, as Unix time."
    )
    restarts = Family(
        "penstock_pipeline_restarts_total", "counter", "How often a pipeline was started again."
    )
    state = Family("penstock_pipeline_state", "gauge", "1 for the state a pipeline is in.")
    for name, report in reports:
        for each in report.inputs:
            labels = {"pipeline": name, "table": each.table}
            rows.add(each.rows, **labels, direction="in")
            dead.add(each.dead_letters, **labels)
            if each.lag is not None:
                lag.add(each.lag, **labels)
            if each.watermark_ms is not None:
                watermark.add(each.watermark_ms / 1000, **labels)
        for out in report.outputs:
            rows.add(out.rows, pipeline=name, table=out.table, direction="out")
        restarts.add(report.restarts, pipeline=name)
        for word in STATES:
            state.add(float(report.state == word), pipeline=name, state=word)
    yield from (rows, lag, dead, watermark, restarts, state)


def _operators(reports: list[tuple[str, JobReport]]) -> Iterator[Family]:
    for metric, kind, held, meaning in OPERATORS:
        family = Family(f"penstock_job_operator_{metric}", kind, meaning)
        for name, report in reports:
            for number, one in enumerate(report.operators[:OPERATORS_MAX]):
                family.add(getattr(one, held), job=name, operator=_called(number, one))
        yield family


def _called(number: int, one: OperatorReport) -> str:
    return f"{number} {one.name[:NAME_MAX]}"


def _sinks(reports: list[tuple[str, JobReport]]) -> Iterator[Family]:
    busy = Family(
        "penstock_job_sink_busy_seconds_total", "counter", "How long a job's outputs took to encode."
    )
    for name, report in reports:
        taken: dict[str, float] = {}
        for out in report.outputs:  # two statements may write one table
            taken[out.table] = taken.get(out.table, 0.0) + out.busy_s
        for table, busy_s in taken.items():
            busy.add(busy_s, job=name, sink=table)
    yield busy


def _commits(reports: list[tuple[str, JobReport]]) -> Iterator[Family]:
    for metric, kind, held, meaning in COMMITS:
        family = Family(f"penstock_job_{metric}", kind, meaning)
        for name, report in reports:
            if isinstance(report.commit, CommitReport):
                family.add(getattr(report.commit, held), job=name)
        yield family


def _lag(reports: list[tuple[str, JobReport]]) -> Family:
    meaning = "How far a source's event time is behind the worker's clock."
    family = Family("penstock_job_watermark_lag_seconds", "gauge", meaning)
    for name, report in reports:
        for each in report.inputs:
            if each.watermark_ms is not None and report.state == "running":
                family.add((report.at_ms - each.watermark_ms) / 1000, job=name, source=each.table)
    return family
