"""The demo's SQL on a made-up machine: what the screen shows is right, a loaded core is flagged in time, idle is quiet."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.demo import __file__ as demo_file
from penstock.sql import parse
from penstock.testing.app import Trial

FILE = Path(demo_file).parent / "pipelines" / "machine.sql"


def trial() -> Trial:
    return Trial(parse(FILE.read_text(), place=str(FILE)))


def readings(t: Trial, chance: random.Random, loaded: bool) -> list[dict[str, Any]]:
    """Two cores and a disk, once; cores in steps of ten points, as the kernel's clock ticks give them."""
    idle = [10.0 * chance.choices(range(6), (60, 20, 10, 5, 3, 2))[0] for _ in range(2)]
    values = {"cpu.0": idle[0], "cpu.1": 100.0 if loaded else idle[1], "disk.read": chance.expovariate(0.01)}
    return [
        {
            "machine": "m",
            "sensor": s,
            "unit": "%" if s.startswith("cpu") else "MB/s",
            "reading": v,
            "at": t.now,
        }
        for s, v in values.items()
    ]


def run(t: Trial, seconds: float, chance: random.Random, loaded: bool = False, ticks: int = 10) -> None:
    """Ten readings a second of each sensor, arriving `ticks` at a time."""
    waiting: list[dict[str, Any]] = []
    for tick in range(1, round(seconds * 10) + 1):
        waiting += readings(t, chance, loaded)
        t.advance("100 ms")
        if tick % ticks == 0 or tick == round(seconds * 10):
            t.send_all("readings", waiting)
            waiting = []


@pytest.mark.parametrize("offset_ms", (0, 150, 300, 450, 550, 600, 700, 850, 950))
def test_a_loaded_core_is_flagged_within_two_seconds_whenever_it_begins(offset_ms: int) -> None:
    chance = random.Random(offset_ms)
    with trial() as t:
        t.advance(f"{offset_ms % 100} ms")
        run(t, 12 + offset_ms // 100 / 10, chance)
        assert t.read("alerts") == []
        began = t.now
        while not t.read("alerts"):
            run(t, 0.1, chance, loaded=True, ticks=1)
            assert t.now - began < timedelta(seconds=1.9)
        sensor, _, reading, low, high = t.read("alerts")[0]
        assert sensor == "cpu.1"
        assert reading > high > low >= 0


def test_a_load_of_ten_seconds_is_flagged_all_along_and_then_no_more() -> None:
    chance = random.Random(7)
    with trial() as t:
        run(t, 20, chance)
        began = t.now
        run(t, 10, chance, loaded=True)
        ended = t.now
        run(t, 40, chance)
        alerts = t.read("alerts")
        assert {row[0] for row in alerts} == {"cpu.1"}
        assert 9 <= len(alerts) <= 11
        assert all(began < row[1] <= ended + timedelta(seconds=1) for row in alerts)


def test_an_idle_machine_is_quiet_for_minutes() -> None:
    chance = random.Random(3)
    with trial() as t:
        run(t, 180, chance)
        assert t.read("alerts") == []


def test_the_newest_second_and_the_band_are_those_of_the_readings() -> None:
    with trial() as t:
        for second in range(31):
            for value in (float(second), second + 2.0):
                t.send("readings", machine="m", sensor="memory", unit="%", reading=value, at=t.now)
                t.advance("500 ms")
        ((sensor, unit, mean, low, high, n, end),) = t.read("machine_now")
        last = datetime(2026, 1, 1, 0, 0, 30)
        assert (sensor, unit, mean, low, high, n, end) == ("memory", "%", 30.0, 29.0, 31.0, 2, last)
        ((_, mean, low, high, end),) = t.read("machine_band")
        before = [value for second in range(29) for value in (float(second), second + 2.0)]
        middle = sum(before) / len(before)
        spread = (sum((value - middle) ** 2 for value in before) / len(before)) ** 0.5
        assert end == last
        assert mean == pytest.approx(middle)
        assert (low, high) == (pytest.approx(max(0, middle - 3 * spread)), pytest.approx(middle + 3 * spread))


def test_the_line_to_change_is_below_the_comment_that_says_so() -> None:
    lines = FILE.read_text().split("\n")
    asks = [
        number
        for number, line in enumerate(lines)
        if line.strip().startswith("--") and "change" in line.lower()
    ]
    assert len(asks) == 1
    assert "+ 40" in lines[asks[0] + 1]
    changed = FILE.read_text().replace("mean + 40", "mean + 15")
    assert parse(changed) != parse(FILE.read_text())
