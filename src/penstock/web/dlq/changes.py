"""POST /api/dlq: edit a letter, send letters back, give them up; and how far that is. Each leaves an audit record."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.dlq.source import Filter, How, Outcome, Source, Told
from penstock.errors import PenstockError
from penstock.web.api.site import site
from penstock.web.dlq.letters import ASK_S, TEXTS, TIMES, shown
from penstock.web.dlq.place import EDIT, LOOK, PURGE, REDRIVE, STOP, may_do, must_do, place, target
from penstock.web.follow.operations import Operation
from penstock.web.http.access import ANYONE, may, who
from penstock.web.http.answers import HttpError, ok, read_body, shaped
from penstock.web.http.inputs import known
from penstock.web.http.routes import route

NAMES_MAX = 10_000
FILTER = ("names", *TEXTS, *TIMES)
"""What of a filter a body says: letters that are dealt with wait."""


class NewBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST …/letters/{letter}: its new value."""

    value: str | None
    encoding: Literal["utf8", "base64"] = "utf8"


class Purge(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST …/purge, beside the words of a `Filter`."""

    all: bool = False
    """Whether to mean all that wait, where nothing else is said."""
    dry_run: bool = False


class Redrive(Purge, forbid_unknown_fields=True):
    """The body of POST …/redrive, beside the words of a `Filter`."""

    to: str = ""
    rate: float = 0.0
    limit: int = 0
    redrives_max: int = 10


P = TypeVar("P", bound=Purge)


@route("POST", "/api/dlq/{source}/letters/{letter}", ANYONE)
async def edit(request: Request) -> Response:
    """A letter with another value takes the place of this one."""
    known(request)
    body = await read_body(request, NewBody)
    try:
        value = None if body.value is None else _bytes(body)
    except binascii.Error:
        raise HttpError(400, "the value is not base64", place="value") from None
    async with asyncio.timeout(ASK_S):
        source, name = await place(request, EDIT), request.path_params["letter"]
        await shown(source, name)
        return ok({"name": await source.edit(name, value, who(request)), "replaces": name}, 201)


@route("POST", "/api/dlq/{source}/redrive", ANYONE)
async def redrive(request: Request) -> Response:
    """Send letters back; 202 with the operation, which goes on by itself."""
    known(request)
    source = await place(request, REDRIVE)
    wanted, body = await _meant(request, Redrive)
    if body.to:
        target(request, source.name, body.to)
    how = How(
        body.to, body.rate, body.limit, body.redrives_max, lambda topic: may(request, "write", "topic", topic)
    )

    async def work(told: Told) -> Outcome:
        return await source.redrive(wanted, how, who(request), told, body.dry_run)

    return await _begun(request, source, "redrive", body.dry_run, work)


@route("POST", "/api/dlq/{source}/purge", ANYONE)
async def purge(request: Request) -> Response:
    """Give letters up; 202 with the operation, which goes on by itself."""
    known(request)
    source = await place(request, PURGE)
    wanted, body = await _meant(request, Purge)

    async def work(told: Told) -> Outcome:
        return await source.purge(wanted, who(request), told, body.dry_run)

    return await _begun(request, source, "purge", body.dry_run, work)


@route("GET", "/api/dlq-operations", ANYONE)
async def operations(request: Request) -> Response:
    """What goes on, and went on lately, the newest first."""
    known(request)
    kept = reversed(site(request).operations.kept.values())
    return ok([_told(each) for each in kept if may_do(request, each.source, LOOK)])


@route("GET", "/api/dlq-operations/{operation}", ANYONE)
async def operation(request: Request) -> Response:
    """How far one is."""
    known(request)
    return ok(_told(_operation(request, LOOK)))


@route("DELETE", "/api/dlq-operations/{operation}", ANYONE)
async def stop(request: Request) -> Response:
    """Stop one; what it did is done."""
    known(request)
    found = _operation(request, STOP)
    if found.task is not None:
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)
    return ok(_told(found))


def _operation(request: Request, doing: str) -> Operation:
    found = site(request).operations.kept.get(request.path_params["operation"])
    if found is None or not may_do(request, found.source, LOOK):
        raise HttpError(404, "there is no such operation", remedy="GET /api/dlq-operations", place="path")
    must_do(request, found.source, doing)
    return found


async def _begun(
    request: Request, source: Source, what: str, dry_run: bool, work: Callable[[Told], Awaitable[Outcome]]
) -> Response:
    """A dry run's answer is its outcome; anything else begins, and is asked for."""
    if dry_run:
        async with asyncio.timeout(ASK_S):
            return ok(_outcome(await work(lambda outcome: None)))
    at = site(request)
    try:
        begun = at.operations.begin(source.name, who(request), at.watch.wall_ms(), what, work)
    except PenstockError as error:
        raise HttpError(409, error.message, remedy=error.remedy) from None
    async with asyncio.timeout(ASK_S):
        return ok(_told(await asyncio.shield(begun)), 202)


async def _meant(request: Request, shape: type[P]) -> tuple[Filter, P]:
    """What the body says: which letters, in a filter's words, and the rest."""
    body = await read_body(request, dict[str, Any])
    which = {word: body.pop(word) for word in FILTER if word in body}
    names = which.get("names")
    if isinstance(names, list) and len(names) > NAMES_MAX:
        raise HttpError(400, f"{len(names)} names, at most {NAMES_MAX} are taken", place="names")
    wanted, rest = shaped(which, Filter), shaped(body, shape)
    if wanted == Filter() and not rest.all:
        raise HttpError(400, "which letters?", remedy='give names, a filter, or "all": true', place="body")
    return wanted, rest


def _told(found: Operation) -> dict[str, Any]:
    return {
        "source": found.source,
        "by": found.by,
        "at_ms": found.at_ms,
        "running": found.running,
        **_outcome(found.outcome),
    }


def _outcome(found: Outcome) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(found)
    return built


def _bytes(body: NewBody) -> bytes:
    text = body.value or ""
    return text.encode() if body.encoding == "utf8" else base64.b64decode(text, validate=True)
