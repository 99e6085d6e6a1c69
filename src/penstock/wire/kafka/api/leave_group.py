"""LeaveGroup: a member goes, or an admin removes members.

0: one member; 1: throttle time; 3: several members, each with its result (KIP-345); 4: flexible; 5: reason.
"""

from typing import Final

from penstock.calls import LeaveGroup
from penstock.errors import Refused
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each

SEVERAL: Final = 3


@api(key=13, versions=(0, 5))
def leave_group(request: Request) -> Steps:
    """Before version 3 the one member's error stands at the top."""
    q = request.message
    if request.version < SEVERAL:
        result = yield LeaveGroup(request.principal, q.group_id, ((q.member_id, None),))
        return {"error_code": code(LeaveGroup, each(result, 1)[0])}
    members = tuple((m.member_id, m.group_instance_id) for m in q.members)
    result = yield LeaveGroup(request.principal, q.group_id, members)
    if isinstance(result, Refused):
        return {"error_code": code(LeaveGroup, result)}
    return {
        "members": [
            {"member_id": member_id, "group_instance_id": instance_id, "error_code": code(LeaveGroup, one)}
            for (member_id, instance_id), one in zip(members, result, strict=True)
        ]
    }
