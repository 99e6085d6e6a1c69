"""FindCoordinator: the node that coordinates a group or a transactional id: this one, for whom may know of it.

0: groups only; 1: transactional ids too, error texts; 3: flexible; 4: several keys (KIP-699).
"""

from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import AskAccess
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import NODE_ID, Request, Steps, api, each

GROUP: Final = 0
KINDS: Final = {GROUP: "group", 1: "transactional-id"}
SEVERAL_KEYS: Final = 4


@api(key=10, versions=(0, 4))
def find_coordinator(request: Request) -> Steps:
    """This node, whatever the key is."""
    several = request.version >= SEVERAL_KEYS
    keys = tuple(request.message.coordinator_keys) if several else (request.message.key,)
    kind = request.get("key_type", GROUP)
    if kind in KINDS:
        found = each((yield AskAccess(request.principal, "describe", KINDS[kind], keys)), len(keys))
        rows = [_row(request, result) for result in found]
    else:
        rows = [_refused_row(ErrorCode.invalid_request, f"key type {kind} is not known")] * len(keys)
    if not several:
        return rows[0]
    return {"coordinators": [{"key": key, **row} for key, row in zip(keys, rows, strict=True)]}


def _row(request: Request, result: Any) -> Row:
    if isinstance(result, Refused):
        return _refused_row(code(AskAccess, result), text(result))
    host, port = request.node
    return {"node_id": NODE_ID, "host": host, "port": port, "error_message": ""}


def _refused_row(error: int, words: str | None) -> Row:
    return {"node_id": -1, "host": "", "port": -1, "error_code": error, "error_message": words}
