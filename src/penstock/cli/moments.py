"""Places in a topic as people name them: start, end, an offset, a time; and the offsets they mean.

Knows the client's questions for offsets; knows no command.
"""

import datetime
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from penstock.calls import EARLIEST, LATEST
from penstock.client import Client
from penstock.errors import PenstockError

Part = tuple[str, int]

HELP = "start, start+N, end, end-N, an offset, a time (2026-11-22T11:00, @EPOCH_MS), or how long ago (-5m)"
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_EDGE = re.compile(r"(start|end)(?:([+-])(\d+))?")
_AGO = re.compile(r"@?-(\d+)(ms|[smhdw])")


@dataclass(frozen=True)
class Moment:
    """A place in any partition: `kind` says what `number` is (from the start on, before the end, an offset, ms)."""

    kind: Literal["start", "end", "offset", "time"]
    number: int = 0


def moment(text: str, flag: str, now_ms: int | None = None) -> Moment:
    """What a word means; raises PenstockError with all that may be said. Times without a zone are this computer's."""
    if found := _EDGE.fullmatch(text):
        edge, sign, number = found.groups()
        if (edge, sign) in (("start", None), ("start", "+")):
            return Moment("start", int(number or 0))
        if (edge, sign) in (("end", None), ("end", "-")):
            return Moment("end", int(number or 0))
    if text.isdecimal():
        return Moment("offset", int(text))
    if text.startswith("-") and text[1:].isdecimal():
        return Moment("end", int(text[1:]))
    if found := _AGO.fullmatch(text):
        now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        return Moment("time", now_ms - int(found[1]) * _UNITS_MS[found[2]])
    at_ms = time_ms(text)
    if at_ms is None:
        raise PenstockError(f"{flag} {text} is no place in a topic", remedy=f"write {HELP}")
    return Moment("time", at_ms)


def time_ms(text: str) -> int | None:
    """``@EPOCH_MS`` or ISO 8601 as Unix time in ms; None for anything else."""
    if text.startswith("@"):
        return int(text[1:]) if text[1:].isdecimal() else None
    try:
        return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def iso(timestamp_ms: int) -> str:
    """Unix time in ms as ISO 8601 in UTC; the number where no calendar reaches."""
    try:
        at = datetime.datetime.fromtimestamp(timestamp_ms / 1000, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return str(timestamp_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def bounds(
    client: Client, parts: Sequence[Part], *, committed: bool = False
) -> dict[Part, tuple[int, int]]:
    """Each partition's first offset and the one after its last; with `committed` the first one still open."""
    first = await client.find(parts, EARLIEST)
    last = await client.find(parts, LATEST, committed=committed)
    return {part: (first[part][0], last[part][0]) for part in parts}


async def resolve(client: Client, place: Moment, within: Mapping[Part, tuple[int, int]]) -> dict[Part, int]:
    """The moment's offset in each partition, inside of its bounds; a time after the last record is the end."""
    if place.kind == "time":
        found = await client.find(list(within), place.number)
        wanted = {part: offset if offset >= 0 else within[part][1] for part, (offset, _) in found.items()}
    else:
        wanted = {part: _from(place, first, last) for part, (first, last) in within.items()}
    return {part: min(max(wanted[part], first), last) for part, (first, last) in within.items()}


def _from(place: Moment, first: int, last: int) -> int:
    return {"start": first + place.number, "end": last - place.number, "offset": place.number}[place.kind]
