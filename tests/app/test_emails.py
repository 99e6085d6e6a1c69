"""The example `emails` under `penstock up`: sent by its own program and by pika, retried, given up, run on after a kill."""

import json
import runpy
import shutil
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import main
from penstock.tasks.sending import OUTLET
from tests.app.running import running

EXAMPLE = Path(__file__).parents[2] / "examples" / "emails"


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_the_emails_of_the_example_are_sent_retried_given_up_and_go_on_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def program(name: str, *words: str) -> None:
        monkeypatch.setattr(sys, "argv", [name, *words])
        runpy.run_path(str(folder / name))

    def task() -> Any:
        with urllib.request.urlopen(f"{http}/api/pipelines") as answer:
            jobs = json.load(answer)
        return {**jobs[0], **jobs[0]["tasks"][0]} if jobs and jobs[0]["tasks"] else Counter()

    folder = shutil.copytree(EXAMPLE, tmp_path / "emails")
    outbox = folder / "outbox"
    monkeypatch.syspath_prepend(str(folder))
    with running("up", folder) as up:
        kafka = up.until(r"✓ broker +(\S+) +Kafka")[1]
        amqp = up.until(r"✓ broker +(\S+) +AMQP")[1]
        http = up.until(r"✓ web +(\S+)")[1]
        up.until(r"✓ worker w0")
        monkeypatch.setenv("PENSTOCK_AMQP", amqp)
        monkeypatch.setenv("PENSTOCK_BOOTSTRAP", kafka)
        monkeypatch.setattr(OUTLET, "url", None)
        program("send.py")
        until(lambda: task()["retried"] >= 1)  # no outbox yet
        outbox.mkdir()
        program("send_with_pika.py", "linus@example.org", "nobody")
        until(lambda: len(list(outbox.iterdir())) == 3)
        assert (outbox / "ada@example.org.txt").read_text() == "Welcome email for ada@example.org\n"
        until(lambda: task()["done"] == 3 and task()["dead_letters"] == 1)
        assert (task()["state"], task()["queue"], task()["inputs"][0]["table"]) == (
            "running",
            "emails",
            "emails",
        )
        assert main(["dlq", "list", "queue:emails.dlq", "--letters", "--json"]) == 0
        letter = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (letter["reason"], letter["exception"], letter["value"]) == (
            "refused",
            "ValueError",
            '"nobody"',
        )

        worker = next(process for process in up.family() if "penstock.work" in process.cmdline())
        worker.kill()
        up.until(r"worker w0 +ended with code -9; starting it again")
        program("send_with_pika.py", "barbara@example.org")
        until((outbox / "barbara@example.org.txt").exists)
        assert up.stop() < 5
