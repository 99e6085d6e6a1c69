"""Answers Heartbeat and LeaveGroup: who is still there, and who goes."""

from penstock.broker.answers import answers
from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.member import Member
from penstock.broker.groups.rebalance import end_if_all_joined, remove
from penstock.broker.state import State
from penstock.calls import Heartbeat, LeaveGroup
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(Heartbeat)
def heartbeat(state: State, call: Heartbeat, now: Now) -> Refused | None:
    """Keeps the session alive in every stage; while members gather it says so."""
    if not call.group:
        return Refused(Refusal.BAD_GROUP)
    group = state.groups.get(call.group)
    if group is None:
        return Refused(Refusal.UNKNOWN_MEMBER, f"there is no group {call.group}")
    if refused := group.refused_generation(call.member_id, call.instance_id, call.generation):
        return refused
    state.groups.heard(group, group.members[call.member_id], now)
    return Refused(Refusal.REBALANCING) if group.stage is Stage.PREPARING else None


@answers(LeaveGroup)
def leave(state: State, call: LeaveGroup, now: Now) -> list[Refused | None] | Refused:
    """One answer a member; those that go cause one rebalance together."""
    if not call.group:
        return Refused(Refusal.BAD_GROUP)
    group = state.groups.get(call.group)
    if group is None:
        return [Refused(Refusal.UNKNOWN_MEMBER, f"there is no group {call.group}")] * len(call.members)
    results: list[Refused | None] = []
    going: dict[str, Member] = {}
    for member_id, instance_id in call.members:
        found = _leaving(group, member_id, instance_id)
        if isinstance(found, Member):
            repeated = found.member_id in going
            results.append(Refused(Refusal.UNKNOWN_MEMBER, found.member_id) if repeated else None)
            going[found.member_id] = found
        else:
            results.append(found)
    remove(state.groups, group, list(going.values()), now)
    end_if_all_joined(state.groups, group, now)  # a pending id that goes may have been the last one missing
    return results


def _leaving(group: Group, member_id: str, instance_id: str | None) -> Member | Refused | None:
    """The member meant: an admin may name a static one by its instance alone. None: a handed-out id, now void."""
    if instance_id is not None and not member_id:
        member_id = group.static.get(instance_id, "")
    elif instance_id is None and member_id in group.pending:
        group.take_back(member_id)
        return None
    return group.refused_member(member_id, instance_id) or group.members[member_id]
