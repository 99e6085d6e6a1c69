"""Answers CommitOffsetsLater: a group's offsets that come to hold when the transaction commits (KIP-98, KIP-447)."""

from penstock.broker.answers import answers
from penstock.broker.groups.offsets.commit import refused_commit
from penstock.broker.groups.offsets.format import Key, Stored
from penstock.broker.groups.offsets.store import partition_of
from penstock.broker.state import State
from penstock.broker.topics.internal import CONSUMER_OFFSETS
from penstock.broker.transactions.enlist import refused_part
from penstock.calls import CommitOffsetsLater
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

Results = list[Refused | None]


@answers(CommitOffsetsLater)
def commit_later(state: State, call: CommitOffsetsLater, now: Now) -> Results | Later[object]:
    """One answer a commit, when those that may be written are on disk."""
    if refused := _refused_group(state, call) or _refused_producer(state, call):
        return [refused] * len(call.commits)
    results: Results = [refused_commit(state, one) for one in call.commits]
    changes: dict[Key, Stored | None] = {
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

    index = _index(state, call.group)
    offset = state.offsets.write_pending(
        call.group, changes, (call.producer_id, call.producer_epoch), written, now
    )
    partition = state.partition(CONSUMER_OFFSETS, index)
    if offset is not None and partition is not None:
        state.stable.begin(partition, call.producer_id, offset)
    return later


def _refused_group(state: State, call: CommitOffsetsLater) -> Refused | None:
    """A consumer that shows its place in the group must have it; one that shows none may be of an older client."""
    if not call.group:
        return Refused(Refusal.BAD_GROUP)
    shows = call.generation >= 0 or bool(call.member_id) or call.instance_id is not None
    group = state.groups.get(call.group)
    if group is None:
        if call.generation >= 0:
            return Refused(Refusal.STALE_GENERATION, f"there is no group {call.group}")
        return (
            None if state.groups.ensure(call.group) else Refused(Refusal.GROUP_FULL, "groups_max is reached")
        )
    if not shows or (call.generation < 0 and not group.members):
        return None
    return group.refused_generation(call.member_id, call.instance_id, call.generation)


def _refused_producer(state: State, call: CommitOffsetsLater) -> Refused | None:
    identity = call.producer_id, call.producer_epoch
    part = (CONSUMER_OFFSETS, _index(state, call.group))
    return refused_part(state, call.transactional_id, identity, part)


def _index(state: State, group: str) -> int:
    partitions = state.internal.partitions(CONSUMER_OFFSETS)
    return partition_of(group, len(partitions)) if partitions else 0
