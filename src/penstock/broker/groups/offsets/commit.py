"""Answers CommitOffsets and FetchOffsets: where a group goes on reading."""

from penstock.broker.answers import answers
from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.groups import too_long
from penstock.broker.groups.offsets.format import Key, Stored
from penstock.broker.state import State
from penstock.calls import CommitOffsets, FetchOffsets, OffsetCommit
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

Results = list[Refused | None]


@answers(CommitOffsets)
def commit(state: State, call: CommitOffsets, now: Now) -> Results | Later[object]:
    """One answer a commit, when those that may be written are on disk."""
    if refused := _refused_committer(state, call, now):
        return [_refused_place(state, one) or refused for one in call.commits]
    results: Results = [refused_commit(state, one) for one in call.commits]
    changes = {
        Key(call.group, one.topic, one.partition): Stored(
            one.offset, one.leader_epoch, one.metadata, now.wall_ms
        )
        for one, refused in zip(call.commits, results, strict=True)
        if refused is None
    }
    if not changes:
        return results
    later: Later[object] = Later()

    def written(refused: Refused | None, now: Now) -> None:
        later.resolve([one or refused for one in results])

    state.offsets.write(call.group, changes, written, now)
    return later


def _refused_committer(state: State, call: CommitOffsets, now: Now) -> Refused | None:
    """A member commits in its generation; anyone may commit for a group without members."""
    if too_long(call.group):
        return Refused(Refusal.BAD_GROUP)
    group = state.groups.get(call.group)
    if group is None:
        if call.generation >= 0:
            return Refused(Refusal.STALE_GENERATION, f"there is no group {call.group}")
        return (
            None if state.groups.ensure(call.group) else Refused(Refusal.GROUP_FULL, "groups_max is reached")
        )
    if group.stage is Stage.EMPTY and call.generation < 0:
        return None
    return _refused_by(group, call) or _heard(state, group, call, now)


def _refused_by(group: Group, call: CommitOffsets) -> Refused | None:
    if call.generation < 0 and not call.member_id and call.instance_id is None:
        return Refused(Refusal.UNKNOWN_MEMBER, "the group has members: only they commit")
    return group.refused_generation(call.member_id, call.instance_id, call.generation)


def _heard(state: State, group: Group, call: CommitOffsets, now: Now) -> Refused | None:
    """A commit is a sign of life. Between join and sync the member has nothing it could have read."""
    state.groups.heard(group, group.members[call.member_id], now)
    return Refused(Refusal.REBALANCING) if group.stage is Stage.COMPLETING else None


def refused_commit(state: State, one: OffsetCommit) -> Refused | None:
    """Why this position may not be committed, whoever does it."""
    if refused := _refused_place(state, one):
        return refused
    most = state.options.offset_metadata_bytes_max
    if len(one.metadata.encode()) > most:
        return Refused(Refusal.METADATA_TOO_LARGE, f"{len(one.metadata.encode())} bytes, allowed are {most}")
    return None


def _refused_place(state: State, one: OffsetCommit) -> Refused | None:
    """What Kafka tells first, to members and strangers alike."""
    if state.partition(one.topic, one.partition) is None:
        return Refused(Refusal.NO_TOPIC, f"{one.topic}/{one.partition}")
    return None


@answers(FetchOffsets)
def fetch(state: State, call: FetchOffsets, now: Now) -> list[OffsetCommit]:
    """The listed ones, -1 where nothing is committed; or all that the group has."""
    positions = state.offsets.of(call.group)
    parts = list(positions) if call.parts is None else call.parts
    pending = state.offsets.pending(call.group) if call.require_stable else frozenset()
    return [
        _shown(topic, index, positions.get((topic, index)), (topic, index) in pending)
        for topic, index in parts
    ]


def _shown(topic: str, index: int, stored: Stored | None, unstable: bool) -> OffsetCommit:
    if unstable:
        return OffsetCommit(topic, index, -1, unstable=True)
    if stored is None:
        return OffsetCommit(topic, index, -1)
    return OffsetCommit(topic, index, stored.offset, stored.leader_epoch, stored.metadata)
