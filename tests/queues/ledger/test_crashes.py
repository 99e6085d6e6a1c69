"""The ledger on a disk that falls at any step, with its upkeep at work: nothing safe is lost, nothing is doubled."""

import contextlib

import pytest

from penstock.testing.disk import Crashed

from .world import MOVES, World


def live(world: World) -> None:
    """One life: random moves until the disk falls, mostly soon, now and then late."""
    operations = world.chance.choice((60, 60, 60, 600))
    world.bench.disk.crash_at = int(world.chance.expovariate(1 / operations))
    with contextlib.suppress(Crashed):
        for _ in range(operations):
            getattr(world, world.chance.choice(MOVES))()


SEEDS = [*range(40), 198]  # the last ones have found something once


@pytest.mark.parametrize("block", range(8))
def test_after_any_crash_the_queues_stand_as_after_some_turn_that_was_not_yet_safe_or_the_last_that_was(
    block: int,
) -> None:
    for seed in SEEDS[block::8]:
        world = World(seed)
        for _ in range(6):
            live(world)
            world.recover(power=world.chance.random() < 0.7)
