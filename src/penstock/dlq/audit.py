"""Who did what to which dead letters, and when: records in `_penstock.audit`, written with what was done.

One JSON object a record: {"what", "source", "by", "at_ms", "operation", …}. Knows nothing of letters.
"""

import getpass
import json
import time
from typing import Any

from penstock.client import Client
from penstock.record import Record

TOPIC = "_penstock.audit"
SETTINGS = {"retention.ms": "-1"}
PART = (TOPIC, 0)


def entry(what: str, source: str, by: str, operation: str, **more: Any) -> Record:
    """One thing that was done."""
    now_ms = int(time.time() * 1000)
    value = {"what": what, "source": source, "by": by, "at_ms": now_ms, "operation": operation, **more}
    return Record(source.encode(), json.dumps(value).encode(), now_ms)


async def note(client: Client, found: Record) -> None:
    """Write one by itself."""
    await client.produce(TOPIC, [found], 0)


def who(client: Client) -> str:
    """Who asks: the user that the server knows, else the one that the machine knows."""
    user = client.options.security.sasl_user
    if user:
        return user
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
