"""Troubles: what is wrong now, each with what to do about it. A rule is a function from what is followed to findings.

Knows no requests. What is found is remembered from when it was first seen until it is no longer found.
"""

from collections.abc import Iterator

import msgspec

from penstock.web.follow.watch import Watch

DISK_FREE_WARN = 1024**3
DISK_FREE_ERROR = 128 * 1024**2


class Trouble(msgspec.Struct):
    """One thing that is wrong. `line` and `column` of 0: no place in a file. `node` is a node's id, or empty."""

    level: str
    node: str
    message: str
    remedy: str
    line: int = 0
    column: int = 0
    at_ms: int = 0


def broker_away(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """The broker has not answered for seconds."""
    if watch.broker_away:
        remedy = "look at the broker's last words in the terminal; the supervisor starts it again"
        yield Trouble("error", "", "the broker does not answer", remedy)


def failed_pipelines(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """A pipeline does not run, with its file's line and column."""
    for name, job in watch.jobs.jobs.items():
        if job.report.state != "failed":
            continue
        error = job.report.error
        if error is None:
            yield Trouble("error", f"pipeline:{name}", f"{name} failed", "the worker's log says why")
            continue
        remedy = error.remedy or f"mend {job.report.file or name} and save it"
        message = f"{name}: {error.message}"
        yield Trouble(
            "error",
            f"pipeline:{name}",
            message,
            remedy,
            error.line or 0,
            error.column or 0,
            job.report.since_ms,
        )


def stale_workers(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """A pipeline or source that should run is not heard from."""
    for name, job in watch.jobs.jobs.items():
        if job.stale(now_ms):
            message = f"{name} has not been heard from for {(now_ms - job.report.at_ms) // 1000} s"
            remedy = f"is worker {job.report.worker} still running? The supervisor starts it again"
            yield Trouble("warn", f"pipeline:{name}", message, remedy)
    for name, source in watch.jobs.sources.items():
        if source.stale(now_ms):
            message = f"the source {name} has gone quiet"
            yield Trouble("warn", f"source:{name}", message, "is its process still running?")


def dead_letters(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """Records that could not be read, or calls that failed too often, were put aside within the last minute."""
    for name, job in watch.jobs.jobs.items():
        if job.dead.grown <= 0:
            continue
        places = [f"the queue {task.dead_letter}" for task in job.report.tasks if task.dead_letters]
        why = "calls failed" if places else "they could not be read"
        read = [each for each in job.report.inputs if each.dead_letters and each.connector != "amqp"]
        places += [f"{each.topic or each.table}.dlq" for each in read]
        message = f"{name} put {job.dead.grown:,.0f} records aside in the last minute: {why}"
        remedy = f"look at {', '.join(sorted({*places}))}: each one's headers say why"
        yield Trouble("warn", f"pipeline:{name}", message, remedy)


def lag_growing(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """A pipeline or a consumer group falls behind."""
    for name, job in watch.jobs.jobs.items():
        if job.live and job.lag.rising and job.lag.points[-1] >= 1000:
            message = f"{name} falls behind: {job.lag.points[-1]:,.0f} records wait"
            remedy = "more records come than it can take: give it less to do, or more partitions and workers"
            yield Trouble("warn", f"pipeline:{name}", message, remedy)
    for name in watch.groups.groups:
        if watch.groups.rising(name) and watch.groups.lags[name].points[-1] >= 1000:
            message = f"the group {name} falls behind: {watch.groups.lags[name].points[-1]:,.0f} records wait"
            yield Trouble(
                "warn",
                f"client:{name}",
                message,
                "start more consumers in the group, or look what holds them up",
            )


def tables_too_large(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """A table that outgrew its bounds is not served."""
    for name, feed in watch.feeds.feeds.items():
        if feed.table is not None and feed.table.full:
            remedy = "raise tables.rows_max and tables.rows_bytes_max, or keep fewer keys"
            yield Trouble(
                "error", f"table:{name}", f"the table {name} is larger than a live table may be", remedy
            )


def damaged_rows(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """Records of a table's topic that are no rows."""
    for name, feed in watch.feeds.feeds.items():
        if feed.table is not None and feed.table.damaged:
            message = f"{feed.table.damaged:,} records in {feed.topic} are not JSON rows and were left out of {name}"
            yield Trouble("warn", f"table:{name}", message, "who else writes to this topic?")


def disk_full(watch: Watch, now_ms: int) -> Iterator[Trouble]:
    """Little or no room is left for the log."""
    free = watch.disk_free_bytes
    full = watch.measures.broker.get("penstock_disk_full", 0) > 0
    if not full and (free is None or free > DISK_FREE_WARN):
        return
    level = "error" if full or (free or 0) < DISK_FREE_ERROR else "warn"
    left = "the disk is full" if free is None else f"{free // 1024**2:,} MB are left on the disk"
    yield Trouble(
        level, "", left, "free space in the data directory's disk, or shorten retention.ms of large topics"
    )


RULES = (
    broker_away,
    failed_pipelines,
    disk_full,
    tables_too_large,
    stale_workers,
    lag_growing,
    dead_letters,
    damaged_rows,
)


class Troubles:
    """Remembers since when."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], int] = {}

    def find(self, watch: Watch, now_ms: int) -> list[Trouble]:
        """All that is wrong now, newest first."""
        found: list[Trouble] = []
        since: dict[tuple[str, str], int] = {}
        for rule in RULES:
            for trouble in rule(watch, now_ms):
                seen = (rule.__name__, trouble.node)
                since[seen] = self._since.get(seen, now_ms)
                trouble.at_ms = trouble.at_ms or since[seen]
                found.append(trouble)
        self._since = since
        return sorted(found, key=lambda trouble: -trouble.at_ms)
