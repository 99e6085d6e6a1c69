"""FindCoordinator: the node that coordinates a group: this one. Never asks the broker.

0: groups only; 1: transactional ids too, error texts; 3: flexible; 4: several keys (KIP-699).
"""

from typing import Final

from kio.schema.errors import ErrorCode

from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import NODE_ID, Request, api

GROUP: Final = 0
TRANSACTION: Final = 1
SEVERAL_KEYS: Final = 4
NO_TRANSACTIONS: Final = "penstock does not offer transactions yet: produce without a transactional id"


@api(key=10, versions=(0, 4))
def find_coordinator(request: Request) -> Row:
    """This node for groups; transactional ids are refused before a client starts with what it cannot finish."""
    host, port = request.node
    kind = request.get("key_type", GROUP)
    found: Row = {"node_id": NODE_ID, "host": host, "port": port, "error_message": ""}
    if kind != GROUP:
        known = kind == TRANSACTION
        error = ErrorCode.transactional_id_authorization_failed if known else ErrorCode.invalid_request
        words = NO_TRANSACTIONS if known else f"key type {kind} is not known"
        found = {"node_id": -1, "host": "", "port": -1, "error_code": error, "error_message": words}
    if request.version < SEVERAL_KEYS:
        return found
    return {"coordinators": [{"key": key, **found} for key in request.message.coordinator_keys]}
