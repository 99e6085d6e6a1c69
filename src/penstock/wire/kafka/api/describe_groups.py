"""DescribeGroups: groups with their members, for admins.

0: first; 1: throttle time; 3: authorised operations (not given: INT32_MIN); 4: static members; 5: flexible.
"""

from typing import Any

from penstock.calls import DescribeGroups, GroupMember
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=15, versions=(0, 5))
def describe_groups(request: Request) -> Steps:
    """An unknown group is in the state Dead, as in Kafka before version 6."""
    # Each once: a small request that repeats the name of a large group would have a huge answer.
    names = tuple(dict.fromkeys(request.message.groups))
    results = each((yield DescribeGroups(request.principal, names)), len(names))
    return {"groups": [_group_row(name, result) for name, result in zip(names, results, strict=True)]}


def _group_row(name: str, result: Any) -> Row:
    if isinstance(result, Refused):
        return {"group_id": name, "error_code": code(DescribeGroups, result)}
    return {
        "group_id": name,
        "group_state": result.state,
        "protocol_type": result.protocol_type,
        "protocol_data": result.protocol,
        "members": [_member_row(member) for member in result.members],
    }


def _member_row(member: GroupMember) -> Row:
    return {
        "member_id": member.member_id,
        "group_instance_id": member.instance_id,
        "client_id": member.client_id,
        "client_host": member.host,
        "member_metadata": member.metadata,
        "member_assignment": member.assignment,
    }
