"""What is written on a dead letter: `x-death` as RabbitMQ 3.10 writes it, and whether it goes round in circles.

Knows headers; moves nothing. Source: RabbitMQ's page on dead letter exchanges, "Dead-Lettered Effects on Messages".
"""

from collections.abc import Mapping
from typing import Any

from penstock.broker.queues.queue.queue import Queue
from penstock.content import Content, Field, Signed64, Timestamp

DEATHS_MAX = 500
"""Entries of x-death above which the oldest go: a message that dies for ever must not grow for ever."""


def buried(content: Content, queue: Queue, reason: str, wall_ms: int) -> Content:
    """The message as it leaves `queue` for its dead-letter exchange. Its expiry stays behind, or it would die again."""
    properties = content.properties
    headers = dict(properties.headers or {})
    further = headers.get("CC")
    keys = [content.routing_key, *(further if isinstance(further, list) else ())]
    event: dict[str, Field] = {
        "count": Signed64(1), "reason": reason, "queue": queue.name, "time": Timestamp(wall_ms // 1000),
        "exchange": content.exchange, "routing-keys": keys,
    }  # fmt: skip
    if properties.expiration is not None:
        event["original-expiration"] = properties.expiration
    died_before = "x-death" in headers  # somewhere else, perhaps: its publisher may have said so
    headers["x-death"] = _counted(_deaths(headers), event)
    if not died_before and "x-first-death-reason" not in headers:
        headers["x-first-death-exchange"] = content.exchange
        headers["x-first-death-queue"] = queue.name
        headers["x-first-death-reason"] = reason
    asked = queue.asked
    if asked.dead_key is not None:
        headers.pop("CC", None)
    key = content.routing_key if asked.dead_key is None else asked.dead_key
    changed = properties.replaced(headers=headers, expiration=None)
    return Content(str(asked.dead_exchange), key, changed, content.body)


def goes_round(headers: Mapping[str, Field], queue: Queue) -> bool:
    """Whether the message died in this queue before, and since then by nobody's wish: it would do so for ever."""
    passed = False
    for death in _deaths(headers):
        if death.get("reason") == "rejected":
            return False
        if death.get("queue") == queue.name:
            passed = True
            break
    return passed


def _deaths(headers: Mapping[str, Field]) -> list[Mapping[str, Any]]:
    found = headers.get("x-death")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _counted(deaths: list[Mapping[str, Any]], event: dict[str, Field]) -> list[Field]:
    """The event in front; where the message died in the same queue for the same reason, that one with its count."""
    same = [d for d in deaths if d.get("queue") == event["queue"] and d.get("reason") == event["reason"]]
    others: list[Field] = [one for one in deaths if one not in same]
    if same:
        count = same[0].get("count")
        event = {**same[0], "count": Signed64((count if isinstance(count, int) else 0) + 1)}
    return [event, *others][:DEATHS_MAX]
