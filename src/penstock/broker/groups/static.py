"""A static member comes back under its instance id (KIP-345): the same place, a new member id, the old one fenced.

In a stable group nothing else happens as long as the protocol stays the same: no rebalance, its old assignment.
A leader that comes back is told not to assign anew (KIP-814), if its client knows that word.
"""

from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.groups import Groups
from penstock.broker.groups.member import Member
from penstock.broker.groups.rebalance import answer_join, answer_sync, joined_as, rebalance
from penstock.calls import Joined, JoinGroup
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

Answer = Joined | Refused | Later[Joined | Refused]


def come_back(groups: Groups, group: Group, call: JoinGroup, member_id: str, now: Now) -> Answer:
    """Take the place of the present holder of the instance id."""
    old_id = group.static[call.instance_id or ""]
    member = group.members[old_id]
    fenced = Refused(Refusal.FENCED_MEMBER, call.instance_id or "")
    answer_join(group, member, fenced)
    answer_sync(member, fenced)
    group.rename(member, member_id)
    group.replace_protocols(member, dict(call.protocols))
    member.update(call)
    group.weigh(member)
    groups.heard(group, member, now)
    if group.stage is Stage.STABLE and group.select() == group.protocol:
        return _same_generation(group, member, old_id, call.can_skip_assignment)
    later = group.begin_join(member)
    rebalance(groups, group, now)
    return later


def _same_generation(group: Group, member: Member, old_id: str, can_skip: bool) -> Joined:
    joined = joined_as(group, member)
    if group.leader != member.member_id:
        return joined
    if can_skip:
        return Joined(
            joined.generation, joined.protocol_type, joined.protocol, joined.leader, joined.member_id,
            joined.members, skip_assignment=True,
        )  # fmt: skip
    # An older client would assign again if it heard that it leads; with its old self as leader it does not.
    return Joined(joined.generation, joined.protocol_type, joined.protocol, old_id, joined.member_id)
