"""/api/topics/{topic}/records: look at records, and produce some."""

import asyncio
import base64
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.calls import EARLIEST
from penstock.client.client import Client
from penstock.client.writing.partitioning import partition_of
from penstock.record import Record
from penstock.web.api.site import asking, site, topic_meta
from penstock.web.follow.peeking import Peek, Seen, size_of
from penstock.web.http.access import Need, may_create
from penstock.web.http.answers import HttpError, encode, ok, read_body
from penstock.web.http.inputs import hidden, known, number, topic_name
from penstock.web.http.routes import route

LIMIT_MAX = 1000
RECORDS_MAX = 10_000
PEEK_S = 5.0
PRODUCE_S = 20.0
SHOWN_BYTES_MAX = 4 * 1024 * 1024
OFFSET_MAX = 2**63 - 1
ISOLATIONS = ("read_committed", "read_uncommitted")
"""Kafka's words for what readers see; the first is what is shown where nothing is said."""

Json = msgspec.Raw


class NewRecord(msgspec.Struct, forbid_unknown_fields=True):
    """One record to produce: a string is sent as its text, null as no bytes at all, anything else as JSON."""

    value: Json
    key: Json = Json(b"null")
    headers: dict[str, Json] = {}
    partition: int | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST: one record's fields, or `records`."""

    value: Json | msgspec.UnsetType = msgspec.UNSET
    key: Json = Json(b"null")
    headers: dict[str, Json] = {}
    partition: int | None = None
    records: list[NewRecord] | msgspec.UnsetType = msgspec.UNSET


# -- looking -------------------------------------------------------------------------------------------------------


@route("GET", "/api/topics/{topic}/records", Need("read", "topic", "topic"))
async def records(request: Request) -> Response:
    """Records of one partition or all: from an offset, a time, the start, or the last ones."""
    known(request, "partition", "offset", "limit", "from", "isolation")
    name, client = topic_name(request), asking(request)
    limit = number(request, "limit", 50, 1, LIMIT_MAX)
    everything = _everything(request)
    peeking, now_s = site(request).watch.peeking, asyncio.get_running_loop().time()
    async with asyncio.timeout(PEEK_S):
        await topic_meta(client, name)
        starts, ends, stable = await asyncio.gather(
            client.offsets(name, EARLIEST), client.offsets(name), client.offsets(name, committed=True)
        )
        begins, last = await _begins(request, client, starts, ends)
    ends = {p: ends[p] for p in begins}
    peek = Peek(peeking, name, stable, everything, now_s + PEEK_S, 4 * SHOWN_BYTES_MAX)
    await (peek.last(starts, ends, limit) if last else peek.first(begins, ends, limit))
    found = sorted(
        peek.found, key=lambda each: (each.record.timestamp_ms, each.partition, each.record.offset)
    )
    shown = _within(list(reversed(found)) if last else found, limit)
    rows = [_shown(each) for each in (reversed(shown) if last else shown)]
    return ok({"records": rows, "left_out": peek.left_out})


def _everything(request: Request) -> bool:
    """Whether what is aborted, and what is not decided yet, is asked for, too."""
    isolation = request.query_params.get("isolation", ISOLATIONS[0])
    if isolation not in ISOLATIONS:
        raise HttpError(
            400, f"isolation takes {' or '.join(ISOLATIONS)}, not {isolation[:40]!r}", place="isolation"
        )
    return isolation != ISOLATIONS[0]


async def _begins(
    request: Request, client: Client, starts: dict[int, int], ends: dict[int, int]
) -> tuple[dict[int, int], bool]:
    """Where to begin in each partition, and whether the last records are asked for."""
    partition = number(request, "partition", -1, 0, 2**31 - 1)
    if partition >= 0 and partition not in ends:
        raise HttpError(404, f"the topic has {len(ends)} partitions, none is {partition}", place="partition")
    chosen = sorted(ends) if partition < 0 else [partition]
    if "offset" in request.query_params:
        if partition < 0:
            raise HttpError(
                400, "an offset is one partition's", remedy="give partition=… with offset=…", place="offset"
            )
        offset = number(request, "offset", 0, 0, OFFSET_MAX)
        return {partition: max(offset, starts[partition])}, False
    where = request.query_params.get("from", "end")
    if where == "start":
        return {p: starts[p] for p in chosen}, False
    if where == "end":
        return {p: ends[p] for p in chosen}, True
    if not (where.isascii() and where.isdigit() and len(where) <= 15):
        raise HttpError(400, f"from takes start, end or a time in ms, not {where[:40]!r}", place="from")
    found = await client.offsets(request.path_params["topic"], int(where))
    return {p: found[p] if found.get(p, -1) >= 0 else ends[p] for p in chosen}, False


def _within(found: list[Seen], limit: int) -> list[Seen]:
    """As many as asked for and as fit into one answer; one record always does."""
    size = 0
    for count, each in enumerate(found[:limit]):
        size += size_of(each.record)
        if size > SHOWN_BYTES_MAX and count:
            return found[:count]
    return found[:limit]


def _shown(seen: Seen) -> dict[str, Any]:
    record = seen.record
    key, key_encoding = _text(record.key)
    value, value_encoding = _text(record.value)
    headers = [(name, *_text(held)) for name, held in record.headers]
    return {
        "partition": seen.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "state": seen.state,
        "key": key,
        "value": value,
        "headers": [[name, held] for name, held, _ in headers],
        "encoding": {"key": key_encoding, "value": value_encoding, "headers": [how for _, _, how in headers]},
    }


def _text(data: bytes | None) -> tuple[str | None, str | None]:
    """Bytes as text and how: what is valid UTF-8 as it is, else base64."""
    if data is None:
        return None, None
    try:
        return data.decode(), "utf8"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


# -- producing -----------------------------------------------------------------------------------------------------


@route("POST", "/api/topics/{topic}/records", Need("write", "topic", "topic"))
async def produce(request: Request) -> Response:
    """Append records; answers once they are safe, with where they stand."""
    known(request)
    name, watch, client = topic_name(request), site(request).watch, asking(request)
    if hidden(name):
        remedy = "names that begin with _penstock. or __ are the system's own"
        raise HttpError(403, f"{name} is not to be written to over HTTP", remedy=remedy, place="path")
    wanted = _wanted(await read_body(request, Body))
    async with asyncio.timeout(PRODUCE_S):
        count = (await topic_meta(client, name, create=may_create(request, name))).partitions
        made = [_record(i, each, watch.wall_ms()) for i, each in enumerate(wanted)]
        keyless = watch.wall_ms() % count
        places = [
            _place(i, each, record, count, keyless)
            for i, (each, record) in enumerate(zip(wanted, made, strict=True))
        ]
        offsets = await _append(client, name, made, places)
    return ok({"offsets": [{"partition": p, "offset": o} for p, o in zip(places, offsets, strict=True)]})


def _wanted(body: Body) -> list[NewRecord]:
    if body.records is msgspec.UNSET:
        if body.value is msgspec.UNSET:
            remedy = 'send {"value": …}, with null for a deletion, or {"records": [{"value": …}, …]}'
            raise HttpError(400, "a record needs a value", remedy=remedy, place="value")
        return [NewRecord(body.value, body.key, body.headers, body.partition)]
    if (
        body.value is not msgspec.UNSET
        or body.headers
        or body.partition is not None
        or bytes(body.key) != b"null"
    ):
        raise HttpError(
            400, "one record, or records: not both", remedy="put all into records", place="records"
        )
    if not 1 <= len(body.records) <= RECORDS_MAX:
        raise HttpError(
            400, f"a request takes 1 to {RECORDS_MAX} records, not {len(body.records)}", place="records"
        )
    return body.records


def _record(number: int, wanted: NewRecord, now_ms: int) -> Record:
    try:
        headers = tuple((name, _bytes(held)) for name, held in wanted.headers.items())
        return Record(_bytes(wanted.key), _bytes(wanted.value), now_ms, headers)
    except (ValueError, RecursionError) as error:
        raise HttpError(400, f"the record is not JSON: {error}", place=f"records[{number}]") from None


def _bytes(json: Json) -> bytes | None:
    """What a JSON value is sent as."""
    if bytes(json) == b"null":
        return None
    value = msgspec.json.decode(json)
    if isinstance(value, str):
        return value.encode()
    return bytes(json).strip() if isinstance(value, dict | list) else encode(json)


def _place(number: int, wanted: NewRecord, record: Record, count: int, keyless: int) -> int:
    """The partition asked for, else by key as Java does; keyless records of one request stay together."""
    if wanted.partition is not None:
        if not 0 <= wanted.partition < count:
            place = f"records[{number}].partition"
            raise HttpError(400, f"the topic has {count} partitions, none is {wanted.partition}", place=place)
        return wanted.partition
    return keyless if record.key is None else partition_of(record.key, count)


async def _append(client: Client, topic: str, made: list[Record], places: list[int]) -> list[int]:
    by_place: dict[int, list[int]] = {}
    for i, place in enumerate(places):
        by_place.setdefault(place, []).append(i)
    runs = list(by_place.items())
    answers = await asyncio.gather(
        *(client.produce(topic, [made[i] for i in run], place) for place, run in runs)
    )
    offsets = [-1] * len(made)
    for (_, run), answer in zip(runs, answers, strict=True):
        for i, offset in zip(run, answer, strict=True):
            offsets[i] = offset
    return offsets
