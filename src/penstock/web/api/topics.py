"""/api/topics: list, look at, create, delete."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from penstock.calls import EARLIEST
from penstock.web.api.site import Site, asking, site, topic_meta
from penstock.web.follow.topics import Topic
from penstock.web.http.access import ANYONE, Need, may, may_create, must
from penstock.web.http.answers import HttpError, ok, read_body
from penstock.web.http.inputs import hidden, known, topic_name, valid_topic
from penstock.web.http.routes import route

ASK_S = 10.0
PARTITIONS_MAX = 1024


class NewTopic(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /api/topics."""

    name: str
    partitions: int = 1
    configs: dict[str, str | int | float | bool] = {}


@route("GET", "/api/topics", ANYONE)
async def topics(request: Request) -> Response:
    """All topics, the system's own included and marked."""
    known(request)
    at = site(request)
    found = sorted(at.watch.topics.topics.items())
    return ok([_brief(at, topic) for name, topic in found if may(request, "describe", "topic", name)])


@route("POST", "/api/topics", ANYONE)
async def create_topic(request: Request) -> Response:
    """Create one; 409 where it is there."""
    known(request)
    body = await read_body(request, NewTopic)
    name = valid_topic(body.name, "name")
    _may_change(name)
    if not may_create(request, name):
        must(request, "create", "topic", name)
    if not 1 <= body.partitions <= PARTITIONS_MAX:
        raise HttpError(
            400, f"a topic has 1 to {PARTITIONS_MAX} partitions, not {body.partitions}", place="partitions"
        )
    configs = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in body.configs.items()
    }
    watch, client = site(request).watch, asking(request)
    async with asyncio.timeout(ASK_S):
        await client.create_topic(name, body.partitions, configs)
        await watch.topics.poll()
    return ok({"name": name, "partitions": body.partitions}, 201)


@route("DELETE", "/api/topics/{topic}", Need("delete", "topic", "topic"))
async def delete_topic(request: Request) -> Response:
    """Delete one with all its records."""
    known(request)
    name = topic_name(request)
    _may_change(name)
    watch, client = site(request).watch, asking(request)
    async with asyncio.timeout(ASK_S):
        await topic_meta(client, name)
        await client.delete_topic(name)
    watch.topics.topics.pop(name, None)
    return ok({"name": name})


@route("GET", "/api/topics/{topic}", Need("describe", "topic", "topic"))
async def topic(request: Request) -> Response:
    """One topic as of now: settings, partitions, and the groups that read it."""
    known(request)
    at, name = site(request), topic_name(request)
    client = asking(request)
    async with asyncio.timeout(ASK_S):
        meta = await topic_meta(client, name)
        configs, starts, ends = await asyncio.gather(
            client.topic_configs(name), client.offsets(name, EARLIEST), client.offsets(name)
        )
    seen = at.watch.topics.topics.get(name)
    return ok(
        {
            "name": name,
            "internal": meta.internal or hidden(name),
            "configs": configs if may(request, "describe-configs", "topic", name) else {},
            "partitions": [
                {"partition": p, "start": starts[p], "end": end} for p, end in sorted(ends.items())
            ],
            "records": sum(end - starts[p] for p, end in ends.items()),
            "rate": round(seen.appended.rate, 2) if seen else 0.0,
            "groups": [
                {"group": group, "state": found.info.state, "lag": found.lag(name)}
                for group, found in sorted(at.watch.groups.groups.items())
                if name in found.topics and may(request, "describe", "group", group)
            ],
        }
    )


def _may_change(name: str) -> None:
    if hidden(name):
        remedy = "names that begin with _penstock. or __ are the system's own: choose another"
        raise HttpError(403, f"{name} is not to be changed over HTTP", remedy=remedy, place="name")


def _brief(at: Site, topic: Topic) -> dict[str, Any]:
    name = topic.meta.name
    size = at.watch.measures.broker.get(f'penstock_topic_bytes{{topic="{name}"}}')
    return {
        "name": name,
        "partitions": topic.meta.partitions,
        "records": topic.records,
        "bytes": None if size is None else int(size),
        "rate": round(topic.appended.rate, 2),
        "internal": topic.internal,
    }
