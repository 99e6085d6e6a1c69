"""A call of a task as a message, and what its failures make of it.

    type: the task's name · body: {"args": […], "kwargs": {…}} in JSON · message id · persistent

A message that another program wrote, without a type that is known here, is the one argument of its queue's one task.
A failed one carries the form that dead letters have (`penstock.dead_letters`), its headers as texts. Knows no queue.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.content import Field, Properties
from penstock.dead_letters import OWN as MARK
from penstock.dead_letters import DeadLetter, Failing, Headers, Origin, of_record, redrives_of
from penstock.errors import PenstockError
from penstock.record import Record

JSON = "application/json"
PLACED = ("x-delay", "x-death", "x-first-death-", "x-last-death-")
"""What servers write into headers: where a message was, not what it is."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is called, with what."""

    task: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def body_of(args: tuple[Any, ...], kwargs: Mapping[str, Any], task: str) -> bytes:
    """The arguments as JSON; raises PenstockError for what JSON has no form for."""
    try:
        return msgspec.json.encode({"args": args, "kwargs": kwargs})
    except (TypeError, ValueError) as error:
        raise PenstockError(
            f"the arguments of {task} have no form in JSON: {error}",
            remedy="give it texts, numbers, lists and dicts: a key of what it works on, not the thing itself",
        ) from None


def properties_of(task: str, message_id: str, now_ms: int, headers: Mapping[str, Field]) -> Properties:
    """The properties of a call."""
    return Properties.made(
        content_type=JSON, headers=headers or None, delivery_mode=2, message_id=message_id,
        timestamp=now_ms // 1000, type=task,
    )  # fmt: skip


def check(task: str, body: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raises PenstockError where the function does not take these arguments."""
    try:
        inspect.signature(body).bind(*args, **kwargs)
    except TypeError as error:
        raise PenstockError(f"{task}: {error}", remedy=f"{task}{inspect.signature(body)}") from None


def call_of(properties: Properties, body: bytes, known: Mapping[str, object]) -> Call:
    """What a message asks for, of the tasks that its queue has. Raises ValueError for what is no JSON, or no call."""
    name = properties.type or ""
    found = msgspec.json.decode(body)
    if name in known:
        if not isinstance(found, dict) or found.keys() - {"args", "kwargs"}:
            raise ValueError("a call has args and kwargs, and nothing else")
        args, kwargs = found.get("args", []), found.get("kwargs", {})
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise ValueError("args are a list, kwargs an object")
        return Call(name, tuple(args), kwargs)
    if len(known) != 1:
        raise LookupError(f"there is no task {name!r} for this queue")
    return Call(next(iter(known)), (found,), {})


# --- failures -------------------------------------------------------------------------------------------------------------


def headers_of(properties: Properties) -> Headers:
    """The headers as dead letters have them; those that servers write left out."""
    named = properties.headers or {}
    return tuple(
        (name, value if isinstance(value, bytes) else str(value).encode())
        for name, value in named.items()
        if not name.startswith(PLACED)
    )


def letter_before(properties: Properties, body: bytes) -> DeadLetter | None:
    """What a message says of its failed attempts; None at the first."""
    headers = headers_of(properties)
    if not any(name == MARK + "due" for name, _ in headers):
        return None
    return of_record(Record(None, body, (properties.timestamp or 0) * 1000, headers))


def failed(
    properties: Properties,
    body: bytes,
    origin: Origin,
    owner: str,
    why: tuple[str, Failing],
    now_ms: int,
) -> DeadLetter:
    """The letter of a failed attempt: `why` is reason and exception."""
    before = letter_before(properties, body)
    headers = headers_of(properties)
    own = tuple(each for each in headers if not each[0].startswith((MARK, "__connect.errors.")))
    return DeadLetter(
        None, body, own, before.origin if before else origin, *why, owner,
        attempts=before.attempts + 1 if before else 1,
        first_ms=before.first_ms if before else now_ms,
        last_ms=now_ms,
        redrives=redrives_of(headers),
    )  # fmt: skip


def with_letter(properties: Properties, letter: DeadLetter, **more: Field) -> Properties:
    """The same message with a letter's headers, as texts."""
    record = letter.record(letter.last_ms)
    headers: dict[str, Field] = {
        name: (value or b"").decode("utf-8", "replace") for name, value in record.headers
    }
    return properties.replaced(headers={**headers, **more}, delivery_mode=2, expiration=None)
