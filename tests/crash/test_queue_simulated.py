"""Queues on the simulated disk: lost and torn writes, crashes at any change, in the start too.

The same invariants as when a real broker is killed (`queue_history.py`), by seeds. What makes them hold is taken away, to
see the checker find it.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from penstock.broker.ledger.ledger import Ledger
from tests.crash.queue_machine import Machine, RefusedError


def survive(seed: int, sync: str = "always") -> tuple[list[str], Counter[str]]:
    """The anomalies of one machine's life."""
    machine = Machine(seed, sync)
    machine.run(crashes=12)
    rest = machine.finish()
    history = machine.history
    machine.counts.update(
        confirmed=len(history.confirmed), settled=len(history.settled), copied=len(history.copied)
    )
    machine.counts.update(dead=len(rest.dead), drained=len(rest.drained))
    return history.anomalies(rest), machine.counts


@pytest.mark.parametrize("block", range(4))
def test_no_promise_is_broken_whatever_the_disk_loses(block: int) -> None:
    total = Counter[str]()
    for seed in range(block * 5, block * 5 + 5):
        found, counts = survive(seed)
        assert found == [], f"seed {seed}: {found[:10]}"
        total += counts
    assert total["confirmed"] > 500 and total["settled"] > 300 and total["copied"] > 100, total
    assert total["snapshots"] > 20 and total["moved"] > 20, total
    assert total["dead"] > 10 and total["drained"] > 10, total


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_promise_is_broken_on_any_of_many_machines() -> None:
    first, begun_s = int(os.environ.get("PENSTOCK_SEED", "100")), time.monotonic()
    total = Counter[str]()
    for seed in range(first, first + int(os.environ.get("PENSTOCK_MACHINES", "400"))):
        found, counts = survive(seed)
        assert found == [], f"seed {seed}: {found[:10]}"
        total += counts
        if seed % 20 == 0:
            print(f"seed {seed}: {time.monotonic() - begun_s:.0f} s, {dict(total)}", flush=True)


# --- what makes the promises hold, taken away: the checker must find it ------------------------------------------------


def told_at_once(self: Ledger, then: Callable[[Any, Any], None], now: Any) -> None:
    """What was gathered is called safe before it is."""
    then(None, now)


SABOTAGE: dict[str, tuple[str, object, str]] = {
    "a confirm does not wait for the disk": ("broker.ledger.ledger.Ledger.when_safe", told_at_once, "lost|came back|half"),
    "settlements are not written": (
        "broker.ledger.ledger.Ledger.settle_many", lambda self, queue, numbers: None, "came back|half|drained twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SABOTAGE)
def test_the_checker_finds_out_when(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, instead, name = SABOTAGE[what]
    monkeypatch.setattr(f"penstock.{place}", instead)
    assert found_out(name)


def test_the_checker_finds_out_when_nothing_is_synced() -> None:
    assert found_out("lost|came back|half|refused", sync="never")  # refused: a queue is gone


def found_out(name: str, **how: str) -> bool:
    """Whether one of some machines shows an anomaly of the name."""
    for seed in range(20):
        try:
            found, _ = survive(seed, **how)
        except RefusedError as error:
            found = [str(error)]
        if any(re.match(name, one) for one in found):
            print(f"seed {seed}: {found[:3]}")
            return True
    return False
