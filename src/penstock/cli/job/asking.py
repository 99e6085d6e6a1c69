"""Asks the worker of a pipeline for something, by a record in `_penstock.commands`, and waits until it is so.

Knows commands and reports; knows nothing of what a worker does about them.
"""

import asyncio
import json
import time
from typing import Any

from penstock.cli.names import unknown
from penstock.cli.sql import newest
from penstock.client import Client
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.work.commands import CONFIGS, TOPIC
from penstock.work.reporting import TOPIC as REPORTS

WAIT_S = 60.0
COLUMNS = ("job", "state", "worker", "savepoint", "notes")


async def reports(client: Client) -> dict[str, dict[str, Any]]:
    """What the workers last said of each pipeline."""
    if (await client.metadata([REPORTS]))[REPORTS].error:
        return {}
    found = await newest(client, REPORTS)
    return {value["name"]: value for value in found.values() if value.get("kind") == "job"}


async def ask(client: Client, command: str, job: str, savepoint: str, state: str) -> dict[str, object]:
    """Ask for `command`, and wait until the job says that it is in `state`; raises PenstockError where it does not."""
    known = await reports(client)
    if job not in known:
        raise unknown(job, list(known), "job")
    asked_ms = int(time.time() * 1000)
    told = {"command": command, "job": job, "savepoint": savepoint}
    await client.create_topic(TOPIC, 1, CONFIGS, exist_ok=True)
    await client.produce(TOPIC, [Record(f"job/{job}".encode(), json.dumps(told).encode(), asked_ms)], 0)
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        report = (await reports(client)).get(job, {})
        if report.get("at_ms", 0) > asked_ms and report.get("state") in (state, "failed"):
            _raise_failed(report)
            words = {"job": job, "state": report["state"], "worker": report["worker"]}
            return {**words, "savepoint": savepoint or None, "notes": "; ".join(report["notes"]) or None}
        await asyncio.sleep(0.2)
    raise PenstockError(
        f"the job {job} did not come to be {state} within {WAIT_S:.0f} s",
        remedy="see whether its worker runs: the console's pipelines, or penstock doctor",
    )


def _raise_failed(report: dict[str, Any]) -> None:
    error = report.get("error")
    if report["state"] == "failed" and error:
        raise PenstockError(error["message"], remedy=error["remedy"], place=error["place"])
