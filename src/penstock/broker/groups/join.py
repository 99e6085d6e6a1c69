"""Answers JoinGroup: a newcomer, a handed-out id coming back, or a member that joins again.

A dynamic newcomer that can do so is first given its id (KIP-394), so that one whose connection broke does not
leave a second self behind. Static members are in `static.py`.
"""

from collections.abc import Callable

from penstock.broker.answers import answers
from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.groups import Groups, too_long
from penstock.broker.groups.member import Member, rebalance_timeout_of
from penstock.broker.groups.rebalance import answer_join, end_if_all_joined, joined_as, rebalance
from penstock.broker.groups.room import member_bytes
from penstock.broker.groups.static import come_back
from penstock.broker.state import State
from penstock.calls import Joined, JoinGroup
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

Answer = Joined | Refused | Later[Joined | Refused]

METADATA_BYTES_MAX = 1024 * 1024
"""What a member may say of itself: the leader is sent all of it, and it is kept as long as the member."""


@answers(JoinGroup)
def join(state: State, call: JoinGroup, now: Now) -> Answer:
    """Checked in Kafka's order: the request, the group, the protocols, the member."""
    groups = state.groups
    if refused := _refused_request(groups, call):
        return refused
    group = groups.get(call.group)
    if group is None and call.member_id:
        return Refused(Refusal.UNKNOWN_MEMBER, f"there is no group {call.group}")
    names = [name for name, _ in call.protocols]
    if group is not None and not group.supports(call.protocol_type, names):
        return Refused(
            Refusal.PROTOCOL_MISMATCH, f"{call.protocol_type or 'no type'}: {', '.join(names) or 'none'}"
        )
    if not groups.room.fits(_more_bytes(group, call)):
        return Refused(Refusal.GROUP_FULL, f"the members of all groups hold {groups.room.bytes_max} bytes")
    group = groups.ensure(call.group)
    if group is None or not _has_room(groups, group, call.member_id):
        return Refused(Refusal.GROUP_FULL, call.group)
    if not call.member_id:
        return _newcomer(groups, group, call, now)
    if call.member_id in group.pending and call.instance_id is None:
        group.take_back(call.member_id)
        return _enter(groups, group, call, call.member_id, now)
    if refused := group.refused_member(call.member_id, call.instance_id):
        return refused
    return REJOINS[group.stage](groups, group, call, now)


def _refused_request(groups: Groups, call: JoinGroup) -> Refused | None:
    if not call.group or too_long(call.group):
        return Refused(Refusal.BAD_GROUP)
    if sum(len(name) + len(data) for name, data in call.protocols) > METADATA_BYTES_MAX:
        return Refused(Refusal.GROUP_FULL, f"a member's protocols have at most {METADATA_BYTES_MAX} bytes")
    least, most = groups.options.group_session_timeout_min_ms, groups.options.group_session_timeout_max_ms
    if not least <= call.session_timeout_ms <= most:
        return Refused(
            Refusal.BAD_SESSION_TIMEOUT, f"{call.session_timeout_ms} ms, allowed are {least} to {most}"
        )
    if not call.protocol_type or not call.protocols:
        return Refused(
            Refusal.PROTOCOL_MISMATCH, "a member names its protocol type and at least one protocol"
        )
    return None


def _more_bytes(group: Group | None, call: JoinGroup) -> int:
    """What the join would have us remember, beyond what the member holds already."""
    member_id = call.member_id
    if group is not None and not member_id and call.instance_id is not None:
        member_id = group.static.get(call.instance_id, "")
    known = group.members.get(member_id) if group is not None else None
    asked = member_bytes(call.protocols, call.member_id, call.principal.client_id, call.instance_id)
    return asked - (known.held_bytes - len(known.assignment) if known is not None else 0)


def _has_room(groups: Groups, group: Group, member_id: str) -> bool:
    """Members may always join again; in a rebalance only as many as there is room for."""
    most = groups.options.group_members_max
    known = group.members.get(member_id)
    if group.stage is Stage.PREPARING:
        return group.joining < most or (known is not None and known.joining is not None)
    return known is not None or len(group.members) + len(group.pending) < most or member_id in group.pending


def _newcomer(groups: Groups, group: Group, call: JoinGroup, now: Now) -> Answer:
    member_id = groups.new_id(call.principal.client_id if call.instance_id is None else call.instance_id)
    if call.instance_id is not None:
        if call.instance_id in group.static:
            return come_back(groups, group, call, member_id, now)
        return _enter(groups, group, call, member_id, now)
    if not call.require_known_member:
        return _enter(groups, group, call, member_id, now)
    if len(group.pending) >= groups.options.group_members_max:
        return Refused(Refusal.GROUP_FULL, "too many member ids were handed out and not used")

    def unused(now: Now) -> None:
        group.take_back(member_id)
        end_if_all_joined(groups, group, now)

    group.hand_out(member_id, groups.timers.at(now.mono_s + call.session_timeout_ms / 1000, unused))
    return Refused(Refusal.MEMBER_ID_REQUIRED, member_id)


def _enter(groups: Groups, group: Group, call: JoinGroup, member_id: str, now: Now) -> Answer:
    """A new member: its join waits for the rebalance that it causes."""
    member = Member(
        member_id, call.instance_id, call.principal.client_id, call.principal.host,
        call.session_timeout_ms, rebalance_timeout_of(call), dict(call.protocols),
    )  # fmt: skip
    if not group.members:
        group.protocol_type = call.protocol_type
    group.add(member)
    group.grew = True
    return _wait(groups, group, member, now)


def _wait(groups: Groups, group: Group, member: Member, now: Now) -> Answer:
    # A second join of the same member takes the first one's place; the first must not hold its connection up.
    answer_join(group, member, Refused(Refusal.REBALANCING, "the member joined again"))
    later = group.begin_join(member)
    groups.heard(group, member, now)
    rebalance(groups, group, now)
    return later


def _again(groups: Groups, group: Group, call: JoinGroup, now: Now) -> Answer:
    """A known member joins, perhaps with new protocols."""
    member = group.members[call.member_id]
    group.replace_protocols(member, dict(call.protocols))
    member.update(call)
    group.weigh(member)
    return _wait(groups, group, member, now)


def _again_unless_same(groups: Groups, group: Group, call: JoinGroup, now: Now) -> Answer:
    """The generation began, but the member did not hear so: tell it again, unless it brings something new."""
    member = group.members[call.member_id]
    if not member.same_protocols(call.protocols):
        return _again(groups, group, call, now)
    groups.heard(group, member, now)
    return joined_as(group, member)


def _again_if_leading(groups: Groups, group: Group, call: JoinGroup, now: Now) -> Answer:
    """A leader joins in a stable group because what it assigns has changed: topics or partitions."""
    if call.member_id == group.leader:
        return _again(groups, group, call, now)
    return _again_unless_same(groups, group, call, now)


def _nobody(groups: Groups, group: Group, call: JoinGroup, now: Now) -> Answer:
    return Refused(Refusal.UNKNOWN_MEMBER, call.member_id)


REJOINS: dict[Stage, Callable[[Groups, Group, JoinGroup, Now], Answer]] = {
    Stage.EMPTY: _nobody,
    Stage.PREPARING: _again,
    Stage.COMPLETING: _again_unless_same,
    Stage.STABLE: _again_if_leading,
    Stage.DEAD: _nobody,
}
