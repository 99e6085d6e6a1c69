"""The dead letters of the simulated world: of a topic, of a queue, and of a queue in another virtual host. Knows no server."""

from typing import Any

TRACE = 'Traceback (most recent call last):\n  File "billing.py", line 12, in charge\nValueError: could not convert string to float'
PLACES = {
    "orders.dlq": ("topic", "", 3),
    "queue:emails.dlq": ("queue", "/", 1),
    "queue@shop:a/b.dlq": ("queue", "shop", 0),
}


def places(now_ms: int) -> list[dict[str, Any]]:
    """All of them, and how many letters wait in each."""
    return [
        {
            "name": name, "kind": kind, "vhost": vhost, "states": states(waiting), "complete": True,
            "last_ms": now_ms - 90_000 if waiting else 0,
        }
        for name, (kind, vhost, waiting) in PLACES.items()
    ]  # fmt: skip


def states(waiting: int) -> dict[str, int]:
    return {"waiting": waiting, "redriven": 2, "purged": 0, "replaced": 1}


def groups(source: str, now_ms: int) -> dict[str, Any]:
    """A place's letters, counted."""
    waiting = PLACES[source][2]
    group = {
        "reason": "failed", "exception": "builtins.ValueError", "owner": "billing", "count": waiting,
        "first_ms": now_ms - 3_600_000, "last_ms": now_ms - 90_000, "example": "0:0",
        "message": "could not convert string to float: 'twelve hundred and fifty euro'",
    }  # fmt: skip
    return {"name": source, "states": states(waiting), "complete": True, "groups": [group] if waiting else []}


def letters(source: str, now_ms: int) -> list[dict[str, Any]]:
    """The newest first."""
    queue = PLACES[source][0] == "queue"
    return [
        {
            "name": str(at) if queue else f"0:{at}", "state": "waiting", "at_ms": now_ms - 90_000,
            "key": None if queue else f"customer-{at}", "value": '{"customer": "ada", "amount": "twelve hundred and fifty euro"}',
            "encoding": {"key": None if queue else "utf8", "value": "utf8"}, "origin": "queue emails" if queue else f"orders-0@{812 + at}",
            "reason": "failed", "exception": "builtins.ValueError", "message": "could not convert string to float", "owner": "billing",
            "attempts": 5, "redrives": 0, "first_ms": now_ms - 3_600_000, "last_ms": now_ms - 90_000,
        }
        for at in reversed(range(PLACES[source][2]))
    ]  # fmt: skip


def letter(source: str, name: str, now_ms: int) -> dict[str, Any] | None:
    """One with all that is known."""
    for each in letters(source, now_ms):
        if each["name"] == name:
            more = {
                "trace": TRACE,
                "stage": "TASK_PUT",
                "function": "charge",
                "headers": [["source", "till"]],
            }
            return {**each, **more, "bytes": 58, "omitted": False, "replaces": "", "target": "orders"}
    return None


def dealt(source: str, what: str) -> dict[str, Any]:
    """A dry run over all that wait."""
    waiting = PLACES[source][2]
    return {
        "operation": "a1", "what": what, "dry_run": True, "state": "done", "matched": waiting, "done": waiting, "skipped": {},
        "targets": {"orders": waiting} if what == "redrive" else {}, "read": waiting, "total": waiting, "error": "",
    }  # fmt: skip
