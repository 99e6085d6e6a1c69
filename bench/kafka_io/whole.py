"""The whole comparison: which parts are measured in which order, and what is kept.

Knows the parts; how they measure is theirs, how it is shown is `table`'s.
"""

import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import KafkaException

from bench.__main__ import OUT, machine
from bench.kafka_io.bulk import FILE_BYTES, bulk
from bench.kafka_io.open_loop import open_loop
from bench.kafka_io.sides import SIDES, Side, create_topic, settle
from bench.kafka_io.small import CONNECTIONS, small
from bench.oracle import kafka as oracle

FAULTS = (OSError, RuntimeError, KafkaException, subprocess.SubprocessError, psutil.Error)
"""What one measurement may meet without ending the others; it is written down."""
PARTS = ("bulk", "small", "latency")
IDLE_S = 2.0


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    runs: int = 5
    file_share: float = 1.0
    small_s: float = 1.5
    latency_s: tuple[float, float] = (0.5, 2.5)
    warm_s: float = 3.0
    loads: tuple[float, ...] = (0.1, 0.5)
    sizes: tuple[int, ...] = tuple(FILE_BYTES)
    fsyncs: tuple[bool, ...] = (False, True)
    parts: tuple[str, ...] = PARTS
    sides: tuple[str, ...] = tuple(SIDES)


SHORT = Scale(runs=1, file_share=0.3, small_s=0.7, latency_s=(0.3, 1.0), warm_s=1.5)

Key = tuple[str, ...]


class Found:
    """Figures by what was measured (`bulk/100/no`) and server: one entry a run."""

    def __init__(self, scale: Scale) -> None:
        self.scale, self.begun_s = scale, time.monotonic()
        self.runs: dict[str, dict[str, list[dict[str, float]]]] = {}
        self.troubles: list[str] = []
        self.machine = machine()

    def note(self, what: str, side: str, measure: Callable[[], dict[str, float]]) -> None:
        """Measure and keep it, or why it could not be measured."""
        try:
            figures = measure()
        except FAULTS as error:
            self.troubles.append(f"{what} {side}: {type(error).__name__}: {error}"[:500])
            print(f"{what:22} {side:9} {self.troubles[-1]}", flush=True)
            return
        self.runs.setdefault(what, {}).setdefault(side, []).append(figures)
        print(f"{what:22} {side:9} " + " ".join(f"{k}={v:.4g}" for k, v in figures.items()), flush=True)

    @contextmanager
    def going_on(self, what: str) -> Iterator[None]:
        """A fault inside, such as a server that does not start, is written down, and the next has its turn."""
        try:
            yield
        except (*FAULTS, KeyError) as error:
            self.troubles.append(f"{what}: {type(error).__name__}: {error}"[:500])
            print(self.troubles[-1], flush=True)

    def medians(self) -> dict[str, dict[str, dict[str, float]]]:
        """By what and server; figures that one of the runs lacks are left out."""
        return {
            what: {side: _median(runs) for side, runs in by_side.items()}
            for what, by_side in self.runs.items()
        }

    def report(self) -> dict[str, Any]:
        """Everything, for the file and the tables."""
        return {
            "kafka_io": self.medians(), "runs": self.scale.runs, "kafka": oracle.VERSION, "machine": self.machine,
            "minutes": round((time.monotonic() - self.begun_s) / 60, 1), "troubles": self.troubles, "each": self.runs,
        }  # fmt: skip

    def save(self) -> Path:
        """Write what there is so far."""
        OUT.mkdir(exist_ok=True)
        target = OUT / "kafka_io.json"
        target.write_text(json.dumps(self.report(), indent=1) + "\n")
        return target


def _median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}


def word(fsync: bool) -> str:
    """How a row's fsync is named."""
    return "yes" if fsync else "no"


def measure(scale: Scale) -> dict[str, Any]:
    """All that `scale` names; written to `bench/out/kafka_io.json` as it comes."""
    found = Found(scale)
    with tempfile.TemporaryDirectory(prefix="bench-lines-") as folder:
        rounds = itertools.product(range(scale.runs), scale.fsyncs, scale.sides)
        for _, fsync, name in rounds if {"bulk", "small"} & set(scale.parts) else ():
            with found.going_on(f"{name}, fsync {word(fsync)}"), _running(found, name, fsync) as side:
                _load(found, side, fsync, Path(folder))
            found.save()
    for fsync in scale.fsyncs if "latency" in scale.parts else ():
        with found.going_on(f"latency, fsync {word(fsync)}"):
            _latency(found, fsync)
        found.save()
    return found.report()


@contextmanager
def _running(found: Found, name: str, fsync: bool) -> Iterator[Side]:
    """A server for as long as it is needed."""
    settle(1024)
    with SIDES[name](fsync) as side:
        time.sleep(IDLE_S)
        found.note("start", name, lambda: {"start_s": side.start_s, "idle_mb": side.memory_mb()})
        yield side


def _load(found: Found, side: Side, fsync: bool, folder: Path) -> None:
    """Everything that one server is put to in one run, and what it weighs afterwards."""
    scale, synced = found.scale, word(fsync)
    if "bulk" in scale.parts:
        for size in scale.sizes:
            found.note(
                f"bulk/{size}/{synced}", side.name, partial(bulk, side, folder, size, scale.file_share)
            )
    if "small" in scale.parts:
        create_topic(side.address, "small")
        for connections in CONNECTIONS:
            asking = partial(small, side, "small", connections, scale.small_s)
            found.note(f"small/{connections}/{synced}", side.name, asking)
    found.note(f"loaded/{synced}", side.name, lambda: {"loaded_mb": side.memory_most_mb()})


def peak(found: Found, size: int, fsync: bool) -> float:
    """Records a second of the slower server; raises KeyError where nothing was measured."""
    by_side = found.medians()[f"bulk/{size}/{word(fsync)}"]
    return min(figures["produce_mb_s"] for figures in by_side.values()) * 1e6 / size


def _latency(found: Found, fsync: bool) -> None:
    """Both servers run, and are asked in turn: the same rates for both."""
    scale = found.scale
    with ExitStack() as stack:
        sides = [stack.enter_context(SIDES[name](fsync)) for name in scale.sides]
        for side in sides:
            warming = partial(open_loop, side, "warm", 1_000, 10_000, (0.5, scale.warm_s))
            found.note(f"warm/{word(fsync)}", side.name, warming)
        rates = {size: peak(found, size, fsync) for size in scale.sizes}
        for number, size, load in itertools.product(range(scale.runs), scale.sizes, scale.loads):
            for side in sides:
                settle(64)
                topic = f"open-{size}-{round(load * 100)}-{number}"
                asking = partial(open_loop, side, topic, size, load * rates[size], scale.latency_s)
                found.note(f"latency/{size}/{word(fsync)}/{load:.0%}", side.name, asking)
