"""/api/tables: live tables, their rows, one row, and changes as events."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from penstock.tables.keys import Keys
from penstock.tables.live import Cursor, LiveTable
from penstock.tables.query import (
    FILTERS_MAX,
    LIMIT_MAX,
    OFFSET_MAX,
    Page,
    Query,
    parse_filter,
    parse_order,
    run,
)
from penstock.tables.ring import Change
from penstock.web.api.site import Site, site
from penstock.web.follow.feeds import Feed
from penstock.web.http.access import ANYONE, may, must
from penstock.web.http.answers import HttpError, encode, ok
from penstock.web.http.events import HEARTBEAT, EventStream, event
from penstock.web.http.inputs import known, many, number
from penstock.web.http.routes import route

READY_S = 3.0
KNOWN_MS = 3_000
QUERY_S = 5.0
CHANGES_A_WRITE = 256
WRITE_BYTES = 256 * 1024
ROWS_A_WRITE = 500
BEHIND = "behind"  # a token that fits no table: a reset and a snapshot follow


@route("GET", "/api/tables", ANYONE)
async def tables(request: Request) -> Response:
    """All live tables."""
    known(request)
    found = [feed for _, feed in sorted(site(request).watch.feeds.feeds.items()) if _seen(request, feed)]
    return ok([_brief(site(request), feed) for feed in found])


def _seen(request: Request, feed: Feed) -> bool:
    """A table's rows are its topic's records: who may read those may read these."""
    return may(request, "read", "topic", feed.topic)


def _brief(at: Site, feed: Feed) -> dict[str, Any]:
    topic = at.watch.topics.topics.get(feed.topic)
    table = feed.table
    return {
        "name": feed.declared.name,
        "topic": feed.topic,
        "rows": len(table.rows) if table else 0,
        "key": list(feed.declared.key),
        "columns": [{"name": column.name, "kind": column.kind} for column in feed.declared.columns],
        "rate": round(topic.appended.rate, 2) if topic else 0.0,
        "at_ms": table.changed_ms if table else 0,
        "state": "missing"
        if table is None
        else "full"
        if table.full
        else "ready"
        if feed.ready
        else "loading",
        "damaged": table.damaged if table else 0,
    }


@route("GET", "/api/tables/{name}", ANYONE)
async def table(request: Request) -> Response:
    """Rows that pass all filters, ordered, a page of them, and the token from which changes follow on them."""
    known(request, "filter", "order", "limit", "offset")
    feed = await _feed(request)
    columns = feed.declared.columns
    conditions = tuple(parse_filter(text, columns) for text in many(request, "filter", FILTERS_MAX))
    by = request.query_params.get("order")
    order, descending = parse_order(by, columns) if by is not None else (None, False)
    limit, offset = number(request, "limit", 100, 1, LIMIT_MAX), number(request, "offset", 0, 0, OFFSET_MAX)
    live = await _live(feed)
    rows, token = live.snapshot()[0], live.token
    page = await _evaluate(Query(conditions, order, descending, limit, offset), rows)
    return ok({"rows": [msgspec.Raw(row) for row in page.rows], "total": page.total, "token": token})


async def _evaluate(query: Query, rows: list[bytes]) -> Page:
    """Slice by slice, with others' turns in between, within bounded time."""
    steps = run(query, rows)
    async with asyncio.timeout(QUERY_S):
        while True:
            try:
                next(steps)
            except StopIteration as done:
                page: Page = done.value
                return page
            await asyncio.sleep(0)


@route("GET", "/api/tables/{name}/changes", ANYONE)
async def changes(request: Request) -> ASGIApp:
    """Changes as they come, from a token on or after a snapshot."""
    known(request, "since")
    feed = await _feed(request)
    # A browser that reconnects sends both, and the header is the newer one.
    token = request.headers.get("last-event-id") or request.query_params.get("since", "")
    _not_full(feed)
    at = site(request)
    return EventStream(at.streams, "table", _follow(at, feed, token))


@route("GET", "/api/tables/{name}/{key:path}", ANYONE)
async def row(request: Request) -> Response:
    """One row by its key's columns, joined by commas, each URL-encoded."""
    known(request)
    live = await _live(await _feed(request))
    # The raw path: a comma within a value is encoded, one between values is not.
    text = request.scope["raw_path"].split(b"/", 4)[4].partition(b"?")[0].decode("ascii", "replace")
    try:
        found = live.get(text)
    except ValueError as error:
        raise HttpError(
            400, str(error), remedy="join the key's columns by commas, each URL-encoded", place="path"
        ) from None
    if found is None:
        raise HttpError(404, f"the table has no row with the key {text[:80]}", place="path")
    return ok({"row": msgspec.Raw(found), "token": live.token})


async def _feed(request: Request) -> Feed:
    """The table's feed. Just after a start the reports that tell of tables are still being read: wait a little."""
    watch, name = site(request).watch, request.path_params["name"]
    while name not in watch.feeds.feeds and watch.wall_ms() - watch.started_ms < KNOWN_MS:
        await asyncio.sleep(0.05)
    feeds = watch.feeds.feeds
    if name not in feeds:
        seen = [each for each, feed in sorted(feeds.items()) if _seen(request, feed)]
        there = ", ".join(seen) or "none yet: a pipeline that writes an upsert-kafka table makes one"
        raise HttpError(404, f"there is no table {name[:80]!r}", remedy=f"tables: {there}", place="path")
    must(request, "read", "topic", feeds[name].topic)
    return feeds[name]


async def _live(feed: Feed) -> LiveTable:
    """The table, caught up; raises HttpError where there is nothing to serve."""
    await feed.until_ready(READY_S)
    table, name = feed.table, feed.declared.name
    if table is None:
        raise HttpError(
            503, f"the topic {feed.topic} of table {name} is not there yet", remedy="try again soon"
        )
    _not_full(feed)
    if not feed.ready:
        raise HttpError(503, f"the table {name} is still being read from its topic", remedy="try again soon")
    return table


def _not_full(feed: Feed) -> None:
    if feed.table is not None and feed.table.full:
        remedy = "raise tables.rows_max and tables.rows_bytes_max, or keep fewer keys"
        raise HttpError(
            507, f"the table {feed.declared.name} is larger than a live table may be", remedy=remedy
        )


# -- changes -------------------------------------------------------------------------------------------------------


async def _follow(at: Site, feed: Feed, token: str) -> AsyncGenerator[bytes, None]:
    """What one client is sent, until the table is no more: a browser that is refused would not come back by itself."""
    heartbeat_s = at.streams.options.heartbeat_s
    while not feed.closed:
        table = feed.table
        if table is None or not feed.ready:
            if not await feed.wake.wait(heartbeat_s):
                yield HEARTBEAT
            continue
        if table.full:
            return
        async for frame in _changes(feed, table, token, heartbeat_s):
            yield frame
        token = BEHIND


async def _changes(
    feed: Feed, table: LiveTable, token: str, heartbeat_s: float
) -> AsyncGenerator[bytes, None]:
    """From a token on, or after a reset and a snapshot; ends where the client fell behind or the table began anew."""
    cursor = table.resume(token) if token else None
    if cursor is None:
        if token:
            yield event("reset", b"{}", "")
        rows, cursor = table.snapshot()
        async for frame in _snapshot(table, rows, cursor):
            yield frame
    while feed.table is table and not feed.closed:
        found = table.changes_since(cursor, CHANGES_A_WRITE)
        if found is None:
            return
        if found:
            for frame in _frames(table, found):
                yield frame
        elif cursor.number < table.ring.head:
            await asyncio.sleep(0)
        elif not await feed.wake.wait(heartbeat_s):
            yield HEARTBEAT


async def _snapshot(table: LiveTable, rows: list[bytes], cursor: Cursor) -> AsyncGenerator[bytes, None]:
    """All rows in pieces. Only the last piece has a token: a client cut off before it must begin anew."""
    token = f"{table.word}.{'.'.join(map(str, cursor.offsets))}"
    at = 0
    while True:
        piece = _piece(rows, at)
        first, at = at == 0, at + len(piece)
        done = at >= len(rows)
        data = b'{"rows":[%b],"first":%b,"done":%b}' % (b",".join(piece), encode(first), encode(done))
        yield event("snapshot", data, token if done else "")
        if done:
            return
        await asyncio.sleep(0)


def _piece(rows: list[bytes], at: int) -> list[bytes]:
    size, piece = 0, []
    for row_bytes in rows[at : at + ROWS_A_WRITE]:
        piece.append(row_bytes)
        size += len(row_bytes)
        if size > WRITE_BYTES:
            break
    return piece


def _frames(table: LiveTable, found: list[tuple[Change, str]]) -> list[bytes]:
    """Many changes a write; each change is encoded once, for all clients."""
    frames: list[bytes] = []
    size, parts = 0, []
    for change, token in found:
        data = change.frame = change.frame or _encoded(table.keys, change)
        part = b"event: change\nid: %b\ndata: %b\n\n" % (token.encode(), data)
        parts.append(part)
        size += len(part)
        if size > WRITE_BYTES:
            frames.append(b"".join(parts))
            size, parts = 0, []
    return [*frames, b"".join(parts)] if parts else frames


def _encoded(keys: Keys, change: Change) -> bytes:
    kind = b"delete" if change.value is None else b"upsert"
    value = b"null" if change.value is None else change.value
    return b'{"kind":"%b","key":%b,"row":%b,"at_ms":%d}' % (
        kind,
        keys.json(change.key),
        value,
        change.timestamp_ms,
    )
