"""The whole comparison: which parts are measured in which order, and what is kept.

Knows the parts; how they measure is theirs, how it is shown is `table`'s.
"""

import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import KafkaException

from bench.beside.figures import Found
from bench.kafka_io.bulk import FILE_BYTES, bulk
from bench.kafka_io.open_loop import open_loop
from bench.kafka_io.sides import SIDES, Side, create_topic, settle
from bench.kafka_io.small import CONNECTIONS, small
from bench.oracle import kafka as oracle

FAULTS = (OSError, RuntimeError, KeyError, KafkaException, subprocess.SubprocessError, psutil.Error)
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


def word(fsync: bool) -> str:
    """How a row's fsync is named."""
    return "yes" if fsync else "no"


def measure(scale: Scale) -> dict[str, Any]:
    """All that `scale` names; written to `bench/out/kafka_io.json` as it comes."""
    found = Found("kafka_io", scale.runs, FAULTS, {"kafka": oracle.VERSION})
    with tempfile.TemporaryDirectory(prefix="bench-lines-") as folder:
        rounds = itertools.product(range(scale.runs), scale.fsyncs, scale.sides)
        for _, fsync, name in rounds if {"bulk", "small"} & set(scale.parts) else ():
            with found.going_on(f"{name}, fsync {word(fsync)}"), _running(found, name, fsync) as side:
                _load(found, scale, side, fsync, Path(folder))
            found.save()
    for fsync in scale.fsyncs if "latency" in scale.parts else ():
        with found.going_on(f"latency, fsync {word(fsync)}"):
            _latency(found, scale, fsync)
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


def _load(found: Found, scale: Scale, side: Side, fsync: bool, folder: Path) -> None:
    """Everything that one server is put to in one run, and what it weighs afterwards."""
    synced = word(fsync)
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


def _latency(found: Found, scale: Scale, fsync: bool) -> None:
    """Both servers run, and are asked in turn: the same rates for both."""
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
