"""EndTxn: commit or abort.

0: first; 1: as 0; 2: PRODUCER_FENCED is understood; 3: flexible; 4: TRANSACTION_ABORTABLE is understood. From 5 on every end
bumps the epoch (KIP-890), which a server announces with a feature level that we do not have.
"""

from typing import Final

from penstock.calls import EndTransaction
from penstock.wire.kafka.refusals import fenced_before
from penstock.wire.kafka.registry import Request, Steps, api

KNOWS_FENCED: Final = 2


@api(key=26, versions=(0, 4))
def end_txn(request: Request) -> Steps:
    """One error code, when the outcome is visible."""
    q = request.message
    result = yield EndTransaction(
        request.principal, q.transactional_id, q.producer_id, q.producer_epoch, q.committed
    )
    return {"error_code": fenced_before(request.version < KNOWS_FENCED, EndTransaction, result)}
