"""AddOffsetsToTxn: a group whose offsets a transaction will commit.

0: first; 1: as 0; 2: PRODUCER_FENCED is understood; 3: flexible; 4: TRANSACTION_ABORTABLE is understood (KIP-890).
"""

from typing import Final

from penstock.calls import AddGroup
from penstock.wire.kafka.refusals import fenced_before
from penstock.wire.kafka.registry import Request, Steps, api

KNOWS_FENCED: Final = 2


@api(key=25, versions=(0, 4))
def add_offsets_to_txn(request: Request) -> Steps:
    """One error code."""
    q = request.message
    result = yield AddGroup(
        request.principal, q.transactional_id, q.producer_id, q.producer_epoch, q.group_id
    )
    return {"error_code": fenced_before(request.version < KNOWS_FENCED, AddGroup, result)}
