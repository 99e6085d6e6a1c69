"""Celery, unchanged, on our AMQP: tasks, retries, countdowns, chords, and workers that are killed."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.oracle.running import running

from penstock.testing.processes import BrokerProcess

ROOT = Path(__file__).parents[3]
MODULE = "tests.amqp.clients.celery_tasks"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an application, with a broker of its own."""
    home = tmp_path_factory.mktemp("celery")
    for folder in ("results", "tally"):
        (home / folder).mkdir()
    with BrokerProcess(home / "data", words=("--amqp", "127.0.0.1:0")) as broker:
        yield {
            "CELERY_BROKER": f"amqp://guest:guest@{broker.ready['amqp']}//",
            "CELERY_RESULTS": f"file://{home / 'results'}",
            "CELERY_TALLY": str(home / "tally"),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        }


@pytest.fixture(scope="module")
def tasks(place: dict[str, str]) -> Iterator[Any]:
    """The application's module, in this process: it sends."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in place.items():
            patch.setenv(name, value)
        module = importlib.import_module(MODULE)
        yield module
        module.app.close()
        sys.modules.pop(MODULE)


def worker(
    place: dict[str, str], *words: str, name: str = "one"
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A worker as its users start it; ended as the test likes, and at the end at the latest."""
    command = [sys.executable, "-m", "celery", "-A", MODULE, "worker", "-n", f"{name}@here", "-l", "warning"]
    return running([*command, *words], {**os.environ, **place})


@pytest.fixture(scope="module")
def working(place: dict[str, str], tasks: Any) -> Iterator[None]:
    """A worker of four threads, that has started."""
    with worker(place, "--pool=threads", "-c", "4"):
        assert tasks.add.delay(1, 1).get(timeout=40) == 2
        yield


def eventually(holds: Callable[[], Any], seconds: float = 30) -> Any:
    until_s = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until_s, "it did not come to that"
        time.sleep(0.05)
    return found


@pytest.mark.usefixtures("working")
def test_tasks_give_their_results(tasks: Any) -> None:
    results = [tasks.add.delay(number, 1) for number in range(20)]
    assert [one.get(timeout=20) for one in results] == list(range(1, 21))


@pytest.mark.usefixtures("working")
def test_a_task_is_tried_again_until_it_succeeds(tasks: Any) -> None:
    assert tasks.third_time_lucky.delay("lucky").get(timeout=20) == 3


@pytest.mark.usefixtures("working")
def test_a_task_waits_for_its_countdown_and_for_its_hour(tasks: Any) -> None:
    sent_s = time.time()
    counted = tasks.note.apply_async(("countdown",), countdown=1)
    due = tasks.note.apply_async(("eta",), eta=datetime.now(UTC) + timedelta(seconds=1))
    for result in (counted, due):
        assert 0.9 < result.get(timeout=20) - sent_s < 10


@pytest.mark.usefixtures("working")
def test_a_task_that_expired_is_not_run(tasks: Any) -> None:
    late = tasks.note.apply_async(("expired",), countdown=0.8, expires=0.2)
    assert tasks.note.delay("after it").get(timeout=20)
    eventually(lambda: late.state == "REVOKED")
    assert list(tasks.TALLY.glob("expired.*")) == []


@pytest.mark.usefixtures("working")
def test_chains_groups_and_chords_come_together(tasks: Any) -> None:
    assert tasks.chained().delay().get(timeout=20) == 10
    assert tasks.grouped().delay().get(timeout=20) == [1, 2, 3, 4, 5]
    assert tasks.sums([1, 2, 3, 4]).delay().get(timeout=30) == 20


@pytest.mark.usefixtures("working")
def test_workers_answer_questions_and_commands(tasks: Any) -> None:
    control = tasks.app.control
    assert control.ping(timeout=10, limit=1) == [{"one@here": {"ok": "pong"}}]
    assert control.inspect(timeout=10, limit=1).stats()["one@here"]["broker"]["transport"] == "amqp"
    assert "celery" in {
        queue["name"] for queue in control.inspect(timeout=10, limit=1).active_queues()["one@here"]
    }


@pytest.mark.usefixtures("working")
def test_results_come_over_amqp_too(place: dict[str, str], tasks: Any) -> None:
    """Celery's `rpc` results: replies to a queue that is the sender's alone."""
    with worker({**place, "CELERY_RESULTS": "rpc://"}, "--pool=threads", "-Q", "replying", name="rpc"):
        code = (
            f"from {MODULE} import add; r = [add.apply_async((n, n), queue='replying') for n in range(10)];"
            "print([one.get(timeout=30) for one in r])"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **place, "CELERY_RESULTS": "rpc://"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ran.stdout.strip() == str([2 * number for number in range(10)]), ran.stderr


def test_a_killed_worker_s_task_is_another_one_s(place: dict[str, str], tasks: Any) -> None:
    with worker(place, "--pool=solo", "-Q", "killed", name="victim") as victim:
        result = tasks.slow.apply_async(("killed", 60), queue="killed")
        eventually(lambda: list(tasks.TALLY.glob("killed.*")))
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    with worker(place, "--pool=solo", "-Q", "killed", name="heir"):
        assert result.get(timeout=40) == 2
