"""The queues of the simulated world, and the answers that speak of them. Knows the shapes of the HTTP API; knows no server."""

import math
from typing import Any
from urllib.parse import unquote

BODY = '{"to": "ada", "order": %d}'
LETTERS = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "emails.dead", "x-max-length": 10_000}


def rows(now_ms: int) -> list[dict[str, Any]]:
    """Three queues: one at work, one that nobody consumes, one in another virtual host."""
    return [
        row("emails", "/", now_ms, rate=120, ready=42, unacked=30, consumers=2, arguments=LETTERS),
        row("emails.dead", "/", now_ms, rate=0, ready=7, unacked=0, consumers=0, arguments={}),
        row("a/b", "shop", now_ms, rate=3, ready=0, unacked=0, consumers=1, arguments={"x-queue-type": "quorum"}),
    ]  # fmt: skip


def row(name: str, vhost: str, now_ms: int, *, rate: float, **how: Any) -> dict[str, Any]:
    """One of them as lists show it."""
    spark = [round(rate * (1 + 0.4 * math.sin((now_ms // 1000 - at) / 5)), 2) for at in range(60)]
    passing = {"rate": spark[-1], "spark": spark}
    counts = {"publish": 120_000, "deliver_get": 119_000, "ack": 118_000}
    stats = {**counts, **{f"{word}_details": passing for word in counts}}
    messages = {"messages_ready": how["ready"], "messages_unacknowledged": how["unacked"]}
    return {
        "name": name, "vhost": vhost, "type": how["arguments"].get("x-queue-type", "classic"), "durable": True,
        "auto_delete": False, "exclusive": False, "arguments": how["arguments"], "state": "running", **messages,
        "messages": sum(messages.values()), "message_bytes": 26 * sum(messages.values()),
        "consumers": how["consumers"], "message_stats": stats,
    }  # fmt: skip


def answer(raw_path: bytes, now_ms: int) -> Any:
    """What is said to a path below /api/queues; None where there is nothing."""
    vhost, name, *rest = [*map(unquote, raw_path.decode().split("/")[3:]), "", ""]
    found = [each for each in rows(now_ms) if (each["vhost"], each["name"]) == (vhost, name)]
    if not found:
        return None
    return (
        [message(number) for number in range(found[0]["messages_ready"])] if "get" in rest else page(found[0])
    )


def page(queue: dict[str, Any]) -> dict[str, Any]:
    """A queue with what leads to it and who consumes it."""
    bindings = [
        {"source": "", "routing_key": queue["name"], "arguments": {}, "properties_key": queue["name"]},
        {"source": "orders", "routing_key": "order.*", "arguments": {}, "properties_key": "order.*"},
    ]
    consumers = [
        {"consumer_tag": f"ctag{n}", "ack_required": True, "exclusive": False, "active": True, "prefetch_count": 20,
         "unacknowledged": 15, "channel_details": {"connection_name": f"mailer-{n}"}}
        for n in range(queue["consumers"])
    ]  # fmt: skip
    return {**queue, "bindings": bindings, "consumer_details": consumers}


def message(number: int) -> dict[str, Any]:
    """One that waits."""
    payload = BODY % number
    return {
        "number": number, "payload": payload, "payload_encoding": "string", "payload_bytes": len(payload),
        "redelivered": False, "exchange": "orders", "routing_key": "order.paid",
        "properties": {"content_type": "application/json", "delivery_mode": 2, "headers": {"source": "till"}},
    }  # fmt: skip
