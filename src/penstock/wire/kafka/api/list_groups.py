"""ListGroups: all groups, for admins.

0: first; 1: throttle time; 3: flexible; 4: filtered by state; 5: filtered by type (KIP-848): all of ours are classic.
"""

from typing import Final

from penstock.calls import ListGroups
from penstock.errors import Refused
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api

TYPE: Final = "classic"


@api(key=16, versions=(0, 5))
def list_groups(request: Request) -> Steps:
    """Groups without their members."""
    types = [kind.lower() for kind in request.get("types_filter", ())]
    if types and TYPE not in types:
        return {"groups": ()}
    result = yield ListGroups(request.principal, tuple(request.get("states_filter", ())))
    if isinstance(result, Refused):
        return {"error_code": code(ListGroups, result)}
    return {
        "groups": [
            {
                "group_id": group.group,
                "protocol_type": group.protocol_type,
                "group_state": group.state,
                "group_type": TYPE,
            }
            for group in result
        ]
    }
