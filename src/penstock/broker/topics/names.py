"""What a topic may be called, as in Kafka. Knows nothing of the topics there are."""

import re
from collections.abc import Iterable

_LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def wrong_name(name: str) -> str:
    """Why no topic can have this name; empty where one can."""
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    return "" if _LEGAL.fullmatch(name) else f"'{name[:300]}' is not allowed"


def colliding(name: str, others: Iterable[str]) -> str:
    """A name that differs from `name` in '.' and '_' alone, empty if none: Kafka refuses such a pair.

    Its metrics write '.' as '_', so the two could not be told apart; what moves to Kafka later must not fail there.
    """
    if "." not in name and "_" not in name:
        return ""
    plain = name.replace(".", "_")
    return next((other for other in others if other != name and other.replace(".", "_") == plain), "")
