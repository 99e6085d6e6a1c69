"""The tasks' part of GET /metrics: what became of calls, what runs, and how long it took. Knows reports; knows no request."""

from collections.abc import Iterator, Mapping

from penstock.web.follow.jobs import Job
from penstock.web.http.exposition import Family

OUTCOMES = ("done", "retried", "dead_letters")


def task_families(jobs: Mapping[str, Job]) -> Iterator[Family]:
    """All families of all jobs' tasks."""
    calls = Family(
        "penstock_task_calls_total", "counter", "Calls of a task that ended, by what became of them."
    )
    running = Family("penstock_task_running", "gauge", "Calls of a task that run now.")
    busy = Family(
        "penstock_task_busy_seconds_total", "counter", "How long a task's calls took, each by itself."
    )
    for name, job in sorted(jobs.items()):
        for task in job.report.tasks:
            labels = {"job": name, "task": task.name, "queue": task.queue}
            for outcome in OUTCOMES:
                calls.add(getattr(task, outcome), **labels, outcome=outcome)
            running.add(task.running, **labels)
            busy.add(task.busy_s, **labels)
    yield from (calls, running, busy)
