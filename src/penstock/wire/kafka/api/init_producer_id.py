"""InitProducerId: an identity for an idempotent or a transactional producer.

0: first; 2: flexible; 3: the producer may show the id and epoch it has (KIP-360); 4: PRODUCER_FENCED is understood.
"""

from typing import Final

from penstock.calls import InitProducer
from penstock.errors import Refused
from penstock.wire.kafka.refusals import fenced_before
from penstock.wire.kafka.registry import Request, Steps, api, ms

KNOWS_FENCED: Final = 4


@api(key=22, versions=(0, 4))
def init_producer_id(request: Request) -> Steps:
    """An id and epoch to stamp batches with."""
    q = request.message
    producer_id, epoch = request.get("producer_id", -1), request.get("producer_epoch", -1)
    transactional_id, timeout_ms = q.transactional_id, ms(q.transaction_timeout)
    result = yield InitProducer(request.principal, transactional_id, timeout_ms, producer_id, epoch)
    if isinstance(result, Refused):
        error = fenced_before(request.version < KNOWS_FENCED, InitProducer, result)
        return {"error_code": error, "producer_id": -1, "producer_epoch": -1}
    return {"producer_id": result.producer_id, "producer_epoch": result.producer_epoch}
