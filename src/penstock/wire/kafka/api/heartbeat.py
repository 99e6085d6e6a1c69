"""Heartbeat: a member is alive; the answer says whether the group rebalances.

0: first; 1: throttle time; 3: static members; 4: flexible.
"""

from penstock.calls import Heartbeat
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api


@api(key=12, versions=(0, 4))
def heartbeat(request: Request) -> Steps:
    """An error code, nothing more."""
    q = request.message
    instance_id = request.get("group_instance_id")
    result = yield Heartbeat(request.principal, q.group_id, q.member_id, instance_id, q.generation_id)
    return {"error_code": code(Heartbeat, result)}
