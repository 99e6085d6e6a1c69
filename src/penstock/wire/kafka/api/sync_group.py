"""SyncGroup: the leader hands out its assignment; every member gets its share.

0: first; 3: static members; 4: flexible; 5: protocol type and name must be given (KIP-559).
"""

from typing import Final

from kio.schema.errors import ErrorCode

from penstock.calls import SyncGroup
from penstock.errors import Refused
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api

NAMES_PROTOCOL: Final = 5


@api(key=14, versions=(0, 5))
def sync_group(request: Request) -> Steps:
    """What this member was assigned."""
    q = request.message
    kind, protocol = request.get("protocol_type"), request.get("protocol_name")
    if request.version >= NAMES_PROTOCOL and (kind is None or protocol is None):
        return {"error_code": ErrorCode.inconsistent_group_protocol}
    instance_id = request.get("group_instance_id")
    shares = tuple((a.member_id, a.assignment) for a in q.assignments)
    result = yield SyncGroup(
        request.principal, q.group_id, q.member_id, instance_id, q.generation_id, shares, kind, protocol
    )
    if isinstance(result, Refused):
        return {"error_code": code(SyncGroup, result)}
    return {
        "protocol_type": result.protocol_type,
        "protocol_name": result.protocol,
        "assignment": result.assignment,
    }
