"""DeleteGroups: forget empty groups and their offsets.

0: first; 1: throttle behaviour; 2: flexible.
"""

from penstock.calls import DeleteGroups
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each


@api(key=42, versions=(0, 2))
def delete_groups(request: Request) -> Steps:
    """One error code a group."""
    names = tuple(request.message.groups_names)
    results = each((yield DeleteGroups(request.principal, names)), len(names))
    return {
        "results": [
            {"group_id": name, "error_code": code(DeleteGroups, result)}
            for name, result in zip(names, results, strict=True)
        ]
    }
