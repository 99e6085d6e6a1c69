"""Answers ListGroups, DescribeGroups and DeleteGroups: groups as an admin sees them."""

from functools import partial

from penstock.broker.answers import answers
from penstock.broker.groups.group import Group, Stage
from penstock.broker.state import State
from penstock.calls import DeleteGroups, DescribeGroups, GroupInfo, ListGroups
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later


@answers(ListGroups)
def list_groups(state: State, call: ListGroups, now: Now) -> tuple[GroupInfo, ...]:
    """All, or those in one of the states (in any case)."""
    wanted = {name.lower() for name in call.states}
    groups = [g for g in state.groups.by_name.values() if not wanted or g.stage.value.lower() in wanted]
    return tuple(GroupInfo(group.name, group.stage.value, group.protocol_type) for group in groups)


@answers(DescribeGroups)
def describe_groups(state: State, call: DescribeGroups, now: Now) -> list[GroupInfo | Refused]:
    """Unknown groups are Dead, as in Kafka."""
    return [_describe(state.groups.get(name), name) for name in call.groups]


def _describe(group: Group | None, name: str) -> GroupInfo:
    if group is None:
        return GroupInfo(name, Stage.DEAD.value, "")
    # The protocol is settled only while the group is stable; assignments are shown until new ones are made.
    protocol = group.protocol if group.stage is Stage.STABLE else ""
    members = tuple(member.shown(protocol) for member in group.members.values())
    return GroupInfo(name, group.stage.value, group.protocol_type, protocol, members)


@answers(DeleteGroups)
def delete_groups(state: State, call: DeleteGroups, now: Now) -> Later[object]:
    """A group without members goes with its offsets; answered when that is on disk."""
    results: list[Refused | None] = [None] * len(call.groups)
    later: Later[object] = Later()
    left = len(call.groups)

    def gone(index: int, refused: Refused | None, now: Now) -> None:
        nonlocal left
        results[index], left = refused, left - 1
        if left == 0:
            later.resolve(results)

    for index, name in enumerate(call.groups):
        group = state.groups.get(name)
        if group is None:
            gone(index, Refused(Refusal.NO_GROUP, name), now)
        elif group.stage is not Stage.EMPTY:
            gone(index, Refused(Refusal.GROUP_NOT_EMPTY, name), now)
        else:
            state.groups.bury(group)
            state.offsets.delete_group(name, partial(gone, index), now)
    if not call.groups:
        later.resolve(results)
    return later
