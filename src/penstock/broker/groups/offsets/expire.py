"""Forgets what nobody comes back for: offsets of groups long without members, and groups without anything."""

from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.offsets.format import Key, Stored
from penstock.broker.state import State
from penstock.clock import Now
from penstock.errors import Refused

EVERY_S = 600.0


def keep_expiring(state: State, now: Now) -> None:
    """Look every ten minutes from now on, as Kafka does (offsets.retention.check.interval.ms)."""

    def look(now: Now) -> None:
        expire(state, now)
        state.timers.at(now.mono_s + EVERY_S, look)

    state.timers.at(now.mono_s + EVERY_S, look)


def expire(state: State, now: Now) -> None:
    """KIP-211: a position expires `offsets_retention_s` after its group became empty, and after its commit.

    When a group became empty is not kept over a restart: then the commit's time counts alone.
    """
    for group in [g for g in state.groups.by_name.values() if g.stage is Stage.EMPTY and not g.pending]:
        if state.offsets.pending(group.name):
            continue  # a transaction is about to move them
        positions = state.offsets.of(group.name)
        old = _expired(state, group, now)
        if old:
            state.offsets.write(group.name, old, _ignore, now)
        if len(old) == len(positions):
            state.groups.bury(group)


def _expired(state: State, group: Group, now: Now) -> dict[Key, Stored | None]:
    limit_ms = now.wall_ms - state.options.offsets_retention_s * 1000
    if group.emptied_ms is not None and group.emptied_ms > limit_ms:
        return {}
    positions = state.offsets.of(group.name)
    return {
        Key(group.name, *part): None for part, stored in positions.items() if stored.commit_ms <= limit_ms
    }


def _ignore(refused: Refused | None, now: Now) -> None:
    """A full disk keeps old positions a little longer."""
