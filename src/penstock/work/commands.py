"""What others ask of a worker, read from `_penstock.commands`: ``{"command": "restart", "job": "machine"}``.

``stop`` keeps the job stopped until ``start``; both may name a ``savepoint``, to be taken or to be started from. Commands for other processes pass by. Knows words; what they do is handed in.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from penstock import record
from penstock.client import Client, KafkaError

TOPIC = "_penstock.commands"
CONFIGS = {"retention.ms": "3600000"}
Obey = Callable[[dict[str, Any]], None]


async def follow(client: Client, obey: Mapping[str, Obey]) -> None:
    """Obey commands from now on, until cancelled."""
    while True:
        try:
            await client.create_topic(TOPIC, 1, CONFIGS, exist_ok=True)
            start = await client.offsets(TOPIC)
            async with client.reader({(TOPIC, p): offset for p, offset in start.items()}) as reader:
                async for chunk in reader:
                    for rec in record.decode(chunk.batches):
                        if rec.offset >= chunk.offset:
                            _obey(rec.value, obey)
        except KafkaError:
            await asyncio.sleep(1.0)


def _obey(value: bytes | None, obey: Mapping[str, Obey]) -> None:
    try:
        told = json.loads(value or b"null")
    except ValueError:
        return
    if isinstance(told, dict) and told.get("command") in obey:
        obey[told["command"]](told)
