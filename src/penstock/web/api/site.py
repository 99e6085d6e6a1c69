"""What handlers reach: all that is followed, and what this server was told. Knows no resource."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.requests import Request

from penstock.amqp import Url
from penstock.client.client import Client
from penstock.client.cluster import TopicMeta
from penstock.users.directory import ANONYMOUS
from penstock.web.flow.ticker import Ticker
from penstock.web.follow.operations import Operations
from penstock.web.follow.watch import Watch
from penstock.web.http.access import who
from penstock.web.http.answers import HttpError
from penstock.web.http.events import Streams


@dataclass(frozen=True)
class Addresses:
    """Where the parts are reached."""

    kafka: str
    http: str


@dataclass
class Site:
    """One web process's parts."""

    watch: Watch
    ticker: Ticker
    streams: Streams
    addresses: Addresses
    static: Path
    data_dir: str = ""
    demo_sql: str = ""
    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    request_s: Counter[str] = field(default_factory=Counter)
    compiling: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """One script is compiled at a time."""
    amqp: Url | None = None
    """Where the broker's queues are, and who this server is there; None where there are none."""
    operations: Operations = field(default_factory=Operations)
    """What is being done to dead letters."""
    scripts: int = 0
    """How many wait for that, or are."""


def asking(request: Request) -> Client:
    """The client, for a question to the broker; raises HttpError at once where the broker is known to be away."""
    watch = site(request).watch
    if watch.broker_away:
        remedy = "try again in a few seconds: the supervisor starts a broker that fell over again"
        raise HttpError(503, "the broker does not answer", remedy=remedy)
    return watch.client


def acting(request: Request) -> Url:
    """Where the queues are, as whoever asks: the broker holds their every step to their own rights.

    Raises HttpError where there are no queues.
    """
    found = site(request).amqp
    if found is None:
        raise HttpError(404, "this server knows of no queues", remedy="start it with --amqp", place="path")
    user = who(request)
    if user == ANONYMOUS:
        return replace(found, user="guest", password="guest")  # nobody's, where there are no users
    return replace(found, acting=user)


async def topic_meta(client: Client, name: str, *, create: bool = False) -> TopicMeta:
    """What the broker says of a topic; raises HttpError at once where there is none.

    With `create` it is made, with the broker's number of partitions, as it is for a Kafka client that produces.
    """
    meta = (await client.metadata([name]))[name]
    if create and meta.error == "UNKNOWN_TOPIC_OR_PARTITION":
        await client.create_topic(name, -1, exist_ok=True)
        meta = (await client.metadata([name]))[name]
    if meta.error == "UNKNOWN_TOPIC_OR_PARTITION":
        raise HttpError(404, f"there is no topic {name}", remedy="GET /api/topics lists them", place="path")
    if meta.error:
        raise HttpError(503, f"the topic {name} cannot be used now: {meta.error}", remedy="try again soon")
    return meta


def site(request: Request) -> Site:
    """The site that a request came to."""
    found: Site = request.app.state.site
    return found
