"""What AlterConfigs and IncrementalAlterConfigs share: resources by number, and an answer for each.

Knows resource types and response rows; knows nothing of settings.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from penstock.calls import AlterConfigs, AlteredResource
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import Request, each

KINDS: Final = {2: "topic", 4: "broker"}
UNKNOWN_KIND: Final = Refused(Refusal.BAD_REQUEST, "only topics (2) have settings that can be changed here")
TWICE: Final = Refused(Refusal.BAD_REQUEST, "Each resource must appear at most once.")


def alter(request: Request, altered: Callable[[str, Any], AlteredResource]) -> Any:
    """Ask for the resources that can be asked for; one row a resource."""
    q = request.message
    count = Counter((r.resource_type, r.resource_name) for r in q.resources)
    resources = {(r.resource_type, r.resource_name): r for r in q.resources}
    refused = {at: TWICE if count[at] > 1 else _unknown(at[0]) for at in resources}
    wanted = tuple(altered(KINDS[at[0]], r) for at, r in resources.items() if refused[at] is None)
    found: Iterator[Any] = iter(())
    if wanted:
        found = iter(each((yield AlterConfigs(request.principal, wanted, q.validate_only)), len(wanted)))
    results = {at: next(found) if no is None else no for at, no in refused.items()}
    return {
        "responses": [
            {
                "error_code": code(AlterConfigs, result),
                "error_message": text(result),
                "resource_type": kind,
                "resource_name": name,
            }
            for (kind, name) in ((r.resource_type, r.resource_name) for r in q.resources)
            for result in (results[kind, name],)
        ]
    }


def _unknown(kind: int) -> Refused | None:
    return None if kind in KINDS else UNKNOWN_KIND
