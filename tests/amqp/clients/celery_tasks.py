"""A Celery application as anybody would write it; where its broker and its results are comes by the environment.

Knows nothing of penstock: that it runs unchanged is the point.
"""

import os
import time
from pathlib import Path

from celery import Celery, Task, chain, chord, group

app = Celery("tests", broker=os.environ["CELERY_BROKER"], backend=os.environ["CELERY_RESULTS"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=5,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_queue_max_priority=10,
    result_expires=60,
)

TALLY = Path(os.environ["CELERY_TALLY"])
"""A folder in which tasks leave a file each time they run."""


def tally(name: str) -> int:
    """Once more; how many times now."""
    (TALLY / f"{name}.{time.monotonic_ns()}").touch()
    return len(list(TALLY.glob(f"{name}.*")))


@app.task
def add(one: int, other: int) -> int:
    return one + other


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task(bind=True, max_retries=5)
def third_time_lucky(self: Task, name: str) -> int:
    tries = tally(name)
    if tries < 3:
        raise self.retry(countdown=0.2)
    return tries


@app.task
def note(name: str) -> float:
    tally(name)
    return time.time()


@app.task
def slow(name: str, seconds: float) -> int:
    tries = tally(name)
    if tries == 1:
        time.sleep(seconds)
    return tries


def sums(numbers: list[int]) -> chord:
    """Each number doubled, by a worker each, and then their sum."""
    return chord((add.s(one, one) for one in numbers), total.s())


def chained() -> chain:
    return chain(add.s(1, 2), add.s(3), add.s(4))


def grouped() -> group:
    return group(add.s(one, 1) for one in range(5))
