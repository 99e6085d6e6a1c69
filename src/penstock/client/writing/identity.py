"""Asks for a producer id: a fresh one, or a transactional id's next epoch, which fences whoever had it (KIP-98).

Knows the one request for it; knows nothing of what the identity is used for.
"""

from penstock.calls import ProducerIdentity
from penstock.client.cluster import TRANSACTION, Cluster
from penstock.client.errors import failure


async def new_identity(
    cluster: Cluster, transactional_id: str | None = None, timeout_ms: int = 60_000
) -> ProducerIdentity | None:
    """One attempt; None where the server offers none. `timeout_ms`: how long one transaction may last."""
    connection = await cluster.any_connection()
    if "InitProducerId" not in connection.versions and transactional_id is None:
        return None
    row = {
        "transactional_id": transactional_id,
        "transaction_timeout": timeout_ms,
        "producer_id": -1,
        "producer_epoch": -1,
    }
    what = "ask for a producer id"
    if transactional_id is None:
        answer = await connection.ask("InitProducerId", row, cluster.options.request_timeout_s)
    else:
        what = f"begin as {transactional_id}"
        answer = await cluster.ask_coordinator(transactional_id, "InitProducerId", row, TRANSACTION)
    if answer.error_code:
        raise failure(answer.error_code, what)
    return ProducerIdentity(answer.producer_id, answer.producer_epoch)
