"""A message of a queue as a dead letter, and as what takes its place or goes back. Knows messages; knows no queue."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from penstock.amqp import Got
from penstock.content import Field, Properties
from penstock.dead_letters import CONNECT, OWN, DeadLetter, of_record, of_x_death, redrives_of, without_marks
from penstock.dlq.source import WAITING, Letter
from penstock.record import Record

NUMBER = "x-penstock-number"
DEATHS = ("x-death", "x-first-death-", "x-last-death-")
DELAY = "x-delay"
PLACED = (NUMBER, "x-delivery-count", "CC", "BCC")
"""Headers that are about one place: they are not written anew. Other queues (CC) had the message when it was first sent."""
MARKS = (CONNECT, OWN)
TIME_MS_MAX = 1 << 53


def letter_of(got: Got) -> Letter:
    """A message of a queue of dead letters: a task's, one that its queue's rules sent there, or any."""
    headers = {_clean(name): value for name, value in (got.properties.headers or {}).items()}
    name, stamp_ms = str(headers.pop(NUMBER, "")), min((got.properties.timestamp or 0) * 1000, TIME_MS_MAX)
    plain = tuple(
        (key, _bytes(value)) for key, value in headers.items() if not key.startswith((*DEATHS, DELAY))
    )
    found = of_record(Record(None, got.body, stamp_ms, plain))
    deaths = _deaths(headers.get("x-death"))
    if deaths and not any(key == OWN + "reason" for key, _ in plain):
        died = of_x_death(got.body, {}, deaths, stamp_ms)
        found = replace(
            died, headers=without_marks(plain), redrives=redrives_of(plain), replaces=found.replaces
        )
    return Letter(name, WAITING, found.last_ms, found)


def edited(properties: Properties, name: str) -> Properties:
    """What a letter is written with anew, with why it died: the letter that it replaces is `name`."""
    return _again(properties, {**_kept(properties, ()), OWN + "replaces": name})


def sent_back(properties: Properties, letter: DeadLetter) -> Properties:
    """As it was before it died, but for the count. What said when it expires is what it may have died of."""
    headers = _kept(properties, (*DEATHS, DELAY, *MARKS))
    made = _again(properties, {**headers, OWN + "redrives": str(letter.redrives + 1)})
    return made.replaced(expiration=None)


def _kept(properties: Properties, without: tuple[str, ...]) -> dict[str, Field]:
    headers = properties.headers or {}
    return {
        name: value for name, value in headers.items() if name not in PLACED and not name.startswith(without)
    }


def _again(properties: Properties, headers: Mapping[str, Field]) -> Properties:
    """Its user is left out: that is who publishes a message, and another does now."""
    return properties.replaced(headers=headers, user_id=None)


def _deaths(found: Field) -> list[Mapping[str, Any]]:
    """Whoever published the message may have written this."""
    entries = found if isinstance(found, list) else []
    return [
        {name: _clean(value) if isinstance(value, str) else value for name, value in entry.items()}
        for entry in entries
        if isinstance(entry, Mapping)
    ]


def _bytes(value: Field) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def _clean(text: str) -> str:
    """Names need not be UTF-8; what is shown is."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
