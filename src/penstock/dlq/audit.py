"""Who did what to which dead letters and queues, and when: records in `_penstock.audit`.

One JSON object a record: {"what", "stage", "source", "by", "at_ms", "operation", …}. What is one Kafka transaction with its
record has that alone, of stage `done`. Anything else is noted before it is begun, too, as in Vault and Kubernetes: whatever
crashes in between leaves `begun` behind, and a deed that cannot be noted is not done. Knows nothing of letters or queues.
"""

import getpass
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from penstock.client import Client
from penstock.errors import PenstockError
from penstock.record import Record

TOPIC = "_penstock.audit"
SETTINGS = {"retention.ms": "-1"}
PART = (TOPIC, 0)
BEGUN, DONE, FAILED = "begun", "done", "failed"


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does to one place, in as many steps as it takes."""

    what: str
    source: str
    by: str
    operation: str

    def entry(self, stage: str, **more: Any) -> Record:
        """A step's record."""
        now_ms = int(time.time() * 1000)
        told = {"what": self.what, "stage": stage, "source": self.source, "by": self.by, "at_ms": now_ms}
        value = {**told, "operation": self.operation, **more}
        return Record(self.source.encode(), json.dumps(value).encode(), now_ms)

    @asynccontextmanager
    async def step(self, client: Client, **meant: Any) -> AsyncIterator[dict[str, Any]]:
        """Note that a step is begun, and, behind it, that it is done, with what it puts into the dict, or how it failed."""
        await client.produce(TOPIC, [self.entry(BEGUN, **meant)], 0)
        done = dict(meant)
        try:
            yield done
        except PenstockError as error:
            with suppress(PenstockError):  # that it was begun says enough
                await client.produce(TOPIC, [self.entry(FAILED, **meant, error=error.message)], 0)
            raise
        await client.produce(TOPIC, [self.entry(DONE, **done)], 0)


async def deed(client: Client, what: str, source: str, by: str, operation: str = "") -> Deed:
    """One that can be noted: the topic is made where it is missing."""
    if (await client.metadata([TOPIC]))[TOPIC].error:
        await client.create_topic(TOPIC, 1, SETTINGS, exist_ok=True)
    return Deed(what, source, by, operation or uuid4().hex)


def who(client: Client) -> str:
    """Who asks: the user that the server knows, else the one that the machine knows."""
    user = client.options.security.sasl_user
    if user:
        return user
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
