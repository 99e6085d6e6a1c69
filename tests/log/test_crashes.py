"""Random work on a disk that loses, tears and reorders what was not synced, cut at any operation.

Invariant: what was acknowledged is there after any crash, offsets have one value, no gap, and appends go on.
"""

import contextlib

import pytest
from tests.log.model import MOVES, SMALL, World

from penstock.log import LogOptions
from penstock.testing.disk import Crashed

LIVES = 6


def live(world: World) -> None:
    """One life: random moves until the disk crashes, mostly after some sixty operations, now and then many more."""
    operations = world.chance.choice((60, 60, 60, 600))
    world.disk.crash_at = int(world.chance.expovariate(1 / operations))
    with contextlib.suppress(Crashed):
        for _ in range(operations):
            getattr(world, world.chance.choice(MOVES))()


@pytest.mark.parametrize("block", range(10))
def test_nothing_acknowledged_is_lost_at_any_cut(block, monkeypatch):
    monkeypatch.setattr("penstock.log.durability.journal._SETTLED_AT_CLOSE_MAX", 2)
    if block % 2:  # every round that is not journaled is noted there
        monkeypatch.setattr("penstock.log.durability.sync._NOTED_MIN", 0)
    for seed in range(block * 40, block * 40 + 40):
        world = World(seed, LogOptions(**SMALL, journal_bytes=(0, 2500, 8000)[seed % 3]))
        for _ in range(LIVES):
            live(world)
            world.recover()
