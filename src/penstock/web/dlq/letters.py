"""GET /api/dlq: the places of dead letters, what is in them, and single letters. Changes nothing."""

import asyncio
import base64
import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from penstock.amqp import AmqpError
from penstock.amqp.errors import LOST
from penstock.client.errors import KafkaError
from penstock.dlq.finding import queues_of, source_of, topics_of
from penstock.dlq.queue import QueueSource, connected
from penstock.dlq.source import PURGED, REDRIVEN, REPLACED, WAITING, Filter, Letter, Source, Summary
from penstock.errors import PenstockError
from penstock.web.api.site import acting, asking, site
from penstock.web.dlq.place import LOOK, may_do, place
from penstock.web.http.access import ANYONE
from penstock.web.http.answers import HttpError, ok
from penstock.web.http.inputs import known, number
from penstock.web.http.routes import route
from penstock.web.queues.asking import entrance

ASK_S = 20.0
LIST_MAX = 5_000
"""How many letters of each topic are looked at for the list of places."""
LETTERS_MAX = 500
VALUE_BYTES_MAX = 512 * 1024
STATES = (WAITING, REDRIVEN, PURGED, REPLACED)
TEXTS, TIMES = ("reason", "exception", "owner", "key", "contains"), ("since_ms", "until_ms")
WORDS = (*TEXTS, *TIMES, "state")
"""What a query says of which letters are meant."""


@route("GET", "/api/dlq", ANYONE)
async def places(request: Request) -> Response:
    """All topics and queues of dead letters, with how many letters wait in each."""
    known(request)
    asking(request)
    async with asyncio.timeout(ASK_S):
        return ok([*await _topics(request), *await _queues(request)])


async def _topics(request: Request) -> list[dict[str, Any]]:
    client = asking(request)
    found = []
    for name in await topics_of(client):
        if may_do(request, name, LOOK):
            summary = await source_of(client, name, LIST_MAX).summary(Filter())
            last_ms = max((group.last_ms for group in summary.groups), default=0)
            found.append({"name": name, "kind": "topic", "vhost": "", **_counts(summary), "last_ms": last_ms})
    return found


async def _queues(request: Request) -> list[dict[str, Any]]:
    """In all virtual hosts that who asks may enter."""
    door = entrance(request) if site(request).amqp is not None else None
    if door is None:
        return []
    url = acting(request)
    async with connected(replace(url, vhost=door)) as connection:
        graves = [each for each in await queues_of(connection) if may_do(request, each.place, LOOK)]
    found = []
    for vhost, inside in itertools.groupby(graves, lambda grave: grave.vhost):
        async with connected(replace(url, vhost=vhost)) as connection:
            for each in inside:
                source = QueueSource(asking(request), each.place, 1, connection=connection)
                counted = _counts(Summary([], Counter({WAITING: each.waiting}), True))
                row = {"name": each.place, "kind": "queue", "vhost": vhost, **counted}
                found.append({**row, "last_ms": await _last_ms(source)})
    return found


async def _last_ms(source: QueueSource) -> int:
    """When the newest letter failed; 0 where nobody can look now, because a consumer has the queue for itself."""
    try:
        newest = await source.letters(Filter(), 1)
    except AmqpError as error:
        if error.code == LOST:
            raise
        return 0
    return newest[0].letter.last_ms if newest else 0


@route("GET", "/api/dlq/{source}", ANYONE)
async def groups(request: Request) -> Response:
    """One place's letters, counted by reason, exception and owner."""
    known(request, *WORDS)
    wanted = _wanted(request)
    async with asyncio.timeout(ASK_S):
        source = await place(request, LOOK)
        summary = await source.summary(wanted)
    return ok({"name": source.name, **_counts(summary), "groups": summary.groups})


@route("GET", "/api/dlq/{source}/letters", ANYONE)
async def letters(request: Request) -> Response:
    """The newest letters that are meant, newest first."""
    known(request, *WORDS, "limit")
    limit = number(request, "limit", 100, 1, LETTERS_MAX)
    wanted = _wanted(request)
    async with asyncio.timeout(ASK_S):
        found = await (await place(request, LOOK)).letters(wanted, limit)
    return ok({"letters": [brief(each) for each in found]})


@route("GET", "/api/dlq/{source}/letters/{letter}", ANYONE)
async def letter(request: Request) -> Response:
    """One letter with all that is known."""
    known(request)
    async with asyncio.timeout(ASK_S):
        found = await shown(await place(request, LOOK), request.path_params["letter"])
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
            "target": told.via or told.origin.topic or told.origin.queue,
        }
    )


async def shown(source: Source, name: str) -> Letter:
    """A letter by its name; raises HttpError (404) where there is none."""
    try:
        return await source.show(name)
    except (KafkaError, AmqpError):
        raise
    except PenstockError as error:
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
