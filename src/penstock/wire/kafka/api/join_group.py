"""JoinGroup: become a member of a group and wait for the others.

0: session timeout only; 1: rebalance timeout; 4: a first join is told its member id (KIP-394); 5: static members
(KIP-345); 6: flexible; 7: protocol type; 8: reason; 9: the leader may skip the assignment (KIP-814).
"""

from typing import Final

from penstock.calls import GroupMember, JoinGroup
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, ms

NEEDS_MEMBER_ID: Final = 4
NULL_PROTOCOL: Final = 7
SKIPS_ASSIGNMENT: Final = 9


@api(key=11, versions=(0, 9))
def join_group(request: Request) -> Steps:
    """The generation, and for the leader its members."""
    q = request.message
    session_ms = ms(q.session_timeout)
    instance_id = request.get("group_instance_id")
    result = yield JoinGroup(
        request.principal,
        q.group_id,
        q.member_id,
        instance_id,
        q.protocol_type,
        tuple((p.name, p.metadata) for p in q.protocols),
        session_ms,
        # Version 0 had one timeout for both.
        ms(q.rebalance_timeout) if request.version else session_ms,
        request.version >= NEEDS_MEMBER_ID and instance_id is None,
        request.get("reason") or "",
        request.version >= SKIPS_ASSIGNMENT,
    )
    if isinstance(result, Refused):
        return _refused_row(request, result)
    return {
        "generation_id": result.generation,
        "protocol_type": result.protocol_type,
        "protocol_name": result.protocol,
        "leader": result.leader,
        "skip_assignment": result.skip_assignment,
        "member_id": result.member_id,
        "members": [_member_row(member) for member in result.members],
    }


def _refused_row(request: Request, result: Refused) -> Row:
    handed_out = result.reason is Refusal.MEMBER_ID_REQUIRED
    return {
        "error_code": code(JoinGroup, result),
        "protocol_name": None if request.version >= NULL_PROTOCOL else "",
        "member_id": result.detail if handed_out else request.message.member_id,
    }


def _member_row(member: GroupMember) -> Row:
    return {
        "member_id": member.member_id,
        "group_instance_id": member.instance_id,
        "metadata": member.metadata,
    }
