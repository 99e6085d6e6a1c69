"""The kill campaign's workload on the simulated disk: lost and torn writes, crashes at any change, in the start too.

The same invariants (`history.py`), by seeds. What makes them hold is taken away, piece by piece, to see the checker find it.
"""

import os
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import pytest

from penstock.broker.records.sequences import Sequences
from penstock.log import Partition
from penstock.record import scan
from tests.crash import simulated
from tests.crash.machine import Machine

Sabotage: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def survive(seed: int, sync: str = "always") -> tuple[list[str], Counter[str]]:
    """The anomalies of one machine's life."""
    machine = Machine(seed, sync)
    machine.run(crashes=12)
    final = machine.finish()
    copies = [(simulated.SOURCE, simulated.TARGET)]
    machine.counts["copied"] = sum(copier.copied for copier in machine.copiers)
    machine.counts["acknowledged"] = len(machine.history.acknowledged)
    machine.counts["transactions"] = len(machine.history.transactions)
    return machine.history.anomalies(final, copies), machine.counts


@pytest.mark.parametrize("block", range(4))
def test_no_anomaly_whatever_the_disk_loses(block: int) -> None:
    total = Counter[str]()
    for seed in range(block * 5, block * 5 + 5):
        found, counts = survive(seed)
        assert found == [], f"seed {seed}: {found[:10]}"
        total += counts
    assert total["copied"] > 50 and total["acknowledged"] > 1000 and total["transactions"] > 50, total


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_anomaly_on_any_of_many_machines() -> None:
    first, begun_s = int(os.environ.get("PENSTOCK_SEED", "100")), time.monotonic()
    machines = int(os.environ.get("PENSTOCK_MACHINES", "400"))
    total = Counter[str]()
    for seed in range(first, first + machines):
        found, counts = survive(seed)
        assert found == [], f"seed {seed}: {found[:10]}"
        total += counts
        if seed % 20 == 0:
            print(f"seed {seed}: {time.monotonic() - begun_s:.0f} s, {dict(total)}", flush=True)


# --- what makes the invariants hold, taken away: the checker must find it ------------------------------------------


def unjudged(self: Sequences, partition: Partition, *_: object) -> None:
    """Every batch is new."""
    self._ends.setdefault(partition, partition.end_offset)


def replaced(place: str, instead: object) -> Sabotage:
    return lambda monkeypatch: monkeypatch.setattr(f"penstock.{place}", instead)


SABOTAGE: dict[str, tuple[Sabotage, str]] = {
    "sequences are not judged": (replaced("broker.records.sequences.Sequences.judge", unjudged), "twice|moved|disorder"),
    "sequences are forgotten at a start": (
        replaced("broker.records.sequences._rebuilt", lambda *_: OrderedDict()), "twice|disorder",
    ),
    "readers are not told what was aborted": (
        replaced("broker.transactions.aborted.Markers.aborted", lambda *_: ()), "aborted read",
    ),
    "the last stable offset is the end": (
        replaced("broker.transactions.stable.StableOffsets.of", lambda _, partition: partition.durable_offset),
        "aborted read|gap|half",
    ),
    "open transactions are forgotten at a start": (
        replaced("broker.transactions.upkeep._hold", lambda _: None), "aborted read|gap|half",
    ),
    "a decided transaction is not finished at a start": (
        replaced("broker.transactions.upkeep.PREPARED", ()), "never|lost|half",
    ),
    "nobody is too old for its group": (
        replaced("broker.transactions.offsets._refused_group", lambda *_: None), "copied wrongly|twice|gap",
    ),
    "what is appended is readable before it is safe": (
        replaced("log.partition.Partition.durable_offset", property(lambda self: self.end_offset, lambda self, value: None)),
        "lost|refused|two values|gap",
    ),
    "a start believes what a segment holds": (
        replaced("log.recovery._sound_batches", lambda disk, fd, segment, size, gaps=False: list(
            scan(disk.read(fd, size - segment.size, segment.size)))),
        "refused|lost|two values|gap",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SABOTAGE)
def test_the_checker_finds_out_when(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage, name = SABOTAGE[what]
    sabotage(monkeypatch)
    assert found_out(name)


def test_the_checker_finds_out_when_nothing_is_synced() -> None:
    """What is acknowledged under `sync = never` is lost with the page cache, as its documentation says."""
    assert found_out("lost|refused", sync="never")


def found_out(name: str, **how: str) -> bool:
    """Whether one of some machines shows an anomaly of the name; what raises tells of itself too."""
    for seed in (11, 24, *range(25, 60)):
        try:
            found, _ = survive(seed, **how)
        except Exception as error:
            found = [str(error) or repr(error)]
        if any(re.match(name, one) for one in found):
            print(f"seed {seed}: {found[:3]}")
            return True
    return False
