"""Answers SyncGroup: the leader brings the assignment, the others wait for it."""

from collections.abc import Callable

from penstock.broker.answers import answers
from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.groups import Groups
from penstock.broker.groups.member import Member
from penstock.broker.groups.rebalance import answer_sync, assign, give_up, synced_as
from penstock.broker.state import State
from penstock.calls import Synced, SyncGroup
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

Answer = Synced | Refused | Later[Synced | Refused]


@answers(SyncGroup)
def sync(state: State, call: SyncGroup, now: Now) -> Answer:
    """At once in a stable group, later while the leader thinks."""
    if not call.group:
        return Refused(Refusal.BAD_GROUP)
    group = state.groups.get(call.group)
    if group is None:
        return Refused(Refusal.UNKNOWN_MEMBER, f"there is no group {call.group}")
    if refused := group.refused_generation(call.member_id, call.instance_id, call.generation):
        return refused
    for said, held in ((call.protocol_type, group.protocol_type), (call.protocol, group.protocol)):
        if said is not None and said != held:
            return Refused(Refusal.PROTOCOL_MISMATCH, f"{said}, the group has {held}")
    return SYNCS[group.stage](state.groups, group, call, now)


def _rebalancing(groups: Groups, group: Group, call: SyncGroup, now: Now) -> Answer:
    return Refused(Refusal.REBALANCING)


def _completing(groups: Groups, group: Group, call: SyncGroup, now: Now) -> Answer:
    member = _present(groups, group, call, now)
    answer_sync(member, Refused(Refusal.REBALANCING, "the member synced again"))
    later = member.syncing = Later()
    if call.member_id == group.leader:
        assignments = dict(call.assignments)
        if refused := _too_large(groups, group, assignments):
            give_up(groups, group, refused, now)
        else:
            assign(groups, group, assignments, now)
    return later


def _too_large(groups: Groups, group: Group, assignments: dict[str, bytes]) -> Refused | None:
    """Why this assignment is not kept. Kafka writes a group as one record, which has to fit its topic: the limit is the
    same here, where nothing is written."""
    most, size, more = groups.options.message_bytes_max, 0, 0
    for member in group.members.values():
        given = len(assignments.get(member.member_id, b""))
        size += given + len(member.protocols.get(group.protocol, b""))
        more += given - len(member.assignment)
    if size > most:
        return Refused(Refusal.GROUP_TOO_LARGE, f"{size} bytes, allowed are {most}")
    if not groups.room.fits(more):
        return Refused(Refusal.GROUP_TOO_LARGE, f"all groups together hold {groups.room.bytes_max} bytes")
    return None


def _stable(groups: Groups, group: Group, call: SyncGroup, now: Now) -> Answer:
    return synced_as(group, _present(groups, group, call, now))


def _present(groups: Groups, group: Group, call: SyncGroup, now: Now) -> Member:
    member = group.members[call.member_id]
    group.unsynced.discard(call.member_id)
    groups.heard(group, member, now)
    return member


def _nobody(groups: Groups, group: Group, call: SyncGroup, now: Now) -> Answer:
    return Refused(Refusal.UNKNOWN_MEMBER, call.member_id)


SYNCS: dict[Stage, Callable[[Groups, Group, SyncGroup, Now], Answer]] = {
    Stage.EMPTY: _nobody,
    Stage.PREPARING: _rebalancing,
    Stage.COMPLETING: _completing,
    Stage.STABLE: _stable,
    Stage.DEAD: _nobody,
}
