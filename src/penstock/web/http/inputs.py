"""What a request may say in its path and query, read with bounds. Knows nothing of resources."""

import re
from collections.abc import Sequence

from starlette.requests import Request

from penstock.web.http.answers import HttpError

TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_DIGITS = re.compile(r"-?[0-9]{1,19}")


def known(request: Request, *names: str) -> None:
    """Refuse query parameters that mean nothing here: a typo should not read as a default."""
    for name in request.query_params:
        if name not in names:
            takes = f"this path takes {', '.join(names)}" if names else "this path takes no parameters"
            raise HttpError(400, f"unknown parameter {name[:80]!r}", remedy=takes, place=name[:80])


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds from the query."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _DIGITS.fullmatch(text) or not low <= int(text) <= high:
        raise HttpError(
            400, f"{name} takes a whole number from {low} to {high}, not {text[:40]!r}", place=name
        )
    return int(text)


def many(request: Request, name: str, most: int) -> Sequence[str]:
    """A parameter that may be repeated."""
    texts = request.query_params.getlist(name)
    if len(texts) > most:
        raise HttpError(400, f"{name} is given {len(texts)} times, at most {most} are taken", place=name)
    return texts


def topic_name(request: Request) -> str:
    """The topic in the path; a name that no topic can have is refused before anything is asked."""
    name: str = request.path_params["topic"]
    return valid_topic(name, "path")


def valid_topic(name: str, place: str) -> str:
    """The name, where Kafka allows it."""
    if not TOPIC_NAME.fullmatch(name) or name in (".", ".."):
        remedy = "a topic name has 1 to 249 characters out of a-z A-Z 0-9 . _ -"
        raise HttpError(400, f"{name[:80]!r} is not a topic name", remedy=remedy, place=place)
    return name


def hidden(name: str) -> bool:
    """Whether a topic is the system's own: shown on request, never changed over HTTP."""
    return name.startswith(("_penstock.", "__"))
