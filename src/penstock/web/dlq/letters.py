"""GET /api/dlq: topics of dead letters, what is in them, and single letters. Changes nothing."""

import asyncio
import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from penstock.dlq.finding import SUFFIX, source_of
from penstock.dlq.source import PURGED, REDRIVEN, REPLACED, WAITING, Filter, Letter, Source, Summary
from penstock.errors import PenstockError
from penstock.web.api.site import asking, topic_meta
from penstock.web.http.access import ANYONE, Need, may
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known, number, topic_name
from penstock.web.http.routes import route

ASK_S = 20.0
LIST_MAX, LOOK_MAX = 5_000, 20_000
"""How many letters of each topic are looked at for the list of topics, and for one of them."""
LETTERS_MAX = 500
VALUE_BYTES_MAX = 512 * 1024
STATES = (WAITING, REDRIVEN, PURGED, REPLACED)
TEXTS, TIMES = ("reason", "exception", "owner", "key", "contains"), ("since_ms", "until_ms")
WORDS = (*TEXTS, *TIMES, "state")
"""What a query says of which letters are meant."""


@route("GET", "/api/dlq", ANYONE)
async def places(request: Request) -> Response:
    """All topics of dead letters, with how many letters wait in each."""
    known(request)
    client = asking(request)
    found = []
    async with asyncio.timeout(ASK_S):
        metas = await client.metadata(None)
        for name in sorted(metas):
            if name.endswith(SUFFIX) and may(request, "read", "topic", name):
                summary = await source_of(client, name, LIST_MAX).summary(Filter())
                last_ms = max((group.last_ms for group in summary.groups), default=0)
                found.append({"name": name, **_counts(summary), "last_ms": last_ms})
    return ok(found)


@route("GET", "/api/dlq/{topic}", Need("read", "topic", "topic"))
async def groups(request: Request) -> Response:
    """One topic's letters, counted by reason, exception and owner."""
    known(request, *WORDS)
    wanted = _wanted(request)
    async with asyncio.timeout(ASK_S):
        summary = await (await place(request)).summary(wanted)
    return ok({"name": topic_name(request), **_counts(summary), "groups": summary.groups})


@route("GET", "/api/dlq/{topic}/letters", Need("read", "topic", "topic"))
async def letters(request: Request) -> Response:
    """The newest letters that are meant, newest first."""
    known(request, *WORDS, "limit")
    limit = number(request, "limit", 100, 1, LETTERS_MAX)
    wanted = _wanted(request)
    async with asyncio.timeout(ASK_S):
        found = await (await place(request)).letters(wanted, limit)
    return ok({"letters": [brief(each) for each in found]})


@route("GET", "/api/dlq/{topic}/letters/{letter}", Need("read", "topic", "topic"))
async def letter(request: Request) -> Response:
    """One letter with all that is known."""
    known(request)
    async with asyncio.timeout(ASK_S):
        found = await shown(await place(request), request.path_params["letter"])
    told, failing = found.letter, found.letter.failing
    return ok(
        {
            **brief(found),
            "message": failing.message,
            "trace": failing.trace,
            "stage": failing.stage,
            "function": failing.function,
            "headers": [[name, _text(value)[0]] for name, value in told.headers],
            "value": _text(told.value)[0],
            "bytes": len(told.value or b""),
            "omitted": found.omitted,
            "replaces": told.replaces,
            "target": told.via or told.origin.topic,
        }
    )


async def place(request: Request) -> Source:
    """The topic in the path; raises HttpError at once where there is none."""
    client, name = asking(request), topic_name(request)
    await topic_meta(client, name)
    return source_of(client, name, LOOK_MAX)


async def shown(source: Source, name: str) -> Letter:
    """A letter by its name; raises HttpError (404) where there is none."""
    try:
        return await source.show(name)
    except PenstockError as error:
        if hasattr(error, "retriable"):
            raise
        raise HttpError(
            404, error.message, remedy=f"GET /api/dlq/{source.name}/letters", place="path"
        ) from None


def brief(found: Letter) -> dict[str, Any]:
    """A letter as lists show it."""
    told = found.letter
    key, key_is = _text(told.key)
    value, value_is = _text(told.value)
    return {
        "name": found.name,
        "state": found.state,
        "at_ms": found.at_ms,
        "key": key,
        "value": None if value is None else value[:200],
        "encoding": {"key": key_is, "value": value_is},
        "origin": str(told.origin),
        "reason": told.reason,
        "exception": told.failing.kind,
        "message": told.failing.message[:200],
        "owner": told.owner,
        "attempts": told.attempts,
        "redrives": told.redrives,
        "first_ms": told.first_ms,
        "last_ms": told.last_ms,
    }


def _counts(summary: Summary) -> dict[str, Any]:
    return {"states": {state: summary.states[state] for state in STATES}, "complete": summary.complete}


def _wanted(request: Request) -> Filter:
    asked = request.query_params
    state = asked.get("state", WAITING)
    if state not in (*STATES, "any"):
        raise HttpError(
            400, f"{state[:40]!r} is no state of a letter", remedy=f"{', '.join(STATES)}, any", place="state"
        )
    given: dict[str, Any] = {name: number(request, name, 0, 0, 1 << 53) for name in TIMES}
    given |= {name: asked[name] for name in TEXTS if name in asked}
    return Filter(**given, states=frozenset(STATES if state == "any" else (state,)))


def _text(value: bytes | None) -> tuple[str | None, str | None]:
    """Bytes for JSON, and how: as text where they are, else as base64; only the first of very many."""
    if value is None:
        return None, None
    value = value[:VALUE_BYTES_MAX]
    try:
        return value.decode(), "utf8"
    except UnicodeDecodeError:
        return base64.b64encode(value).decode(), "base64"
