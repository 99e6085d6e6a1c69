"""ListTransactions: all transactional ids, for admins (KIP-664).

0: first; 1: only those that run longer than a time (KIP-994).
"""

from typing import Final

from penstock.calls import ListTransactions
from penstock.errors import Refused
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api

STATES: Final = (
    "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "PrepareEpochFence", "Dead",
)  # fmt: skip
"""The names that Kafka knows; an id of ours is never in the last two."""


@api(key=66, versions=(0, 1))
def list_transactions(request: Request) -> Steps:
    """Those that all filters let pass; names that are no state are told back."""
    q = request.message
    unknown = [name for name in q.state_filters if name not in STATES]
    known = tuple(name for name in q.state_filters if name in STATES)
    if unknown and not known:
        return {"unknown_state_filters": unknown, "transaction_states": ()}
    longer_than_ms = request.get("duration_filter", -1)
    found = yield ListTransactions(request.principal, known, tuple(q.producer_id_filters), longer_than_ms)
    if isinstance(found, Refused):
        return {"error_code": code(ListTransactions, found)}
    rows = [
        {
            "transactional_id": one.transactional_id,
            "producer_id": one.producer_id,
            "transaction_state": one.state,
        }
        for one in found
    ]
    return {"unknown_state_filters": unknown, "transaction_states": rows}
