"""GET /metrics: Prometheus text of the broker's measures, the pipelines, the tables and this process."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from penstock.version import __version__
from penstock.web.api.metrics.jobs import job_families
from penstock.web.api.metrics.queues import queue_families
from penstock.web.api.metrics.tasks import task_families
from penstock.web.api.site import Site, site
from penstock.web.http.access import Need
from penstock.web.http.exposition import CONTENT_TYPE, Family, parse_name, write
from penstock.web.http.routes import route

MEASURES_MS = 15_000  # older ones are of a broker that is gone: absent says more than stale


@route("GET", "/metrics", Need("describe", "cluster"))
async def metrics(request: Request) -> Response:
    """All that is measured. Times are in seconds, as Prometheus wants them."""
    at = site(request)
    families = [
        *_broker(at),
        *job_families(at.watch.jobs.jobs),
        *task_families(at.watch.jobs.jobs),
        *queue_families(at.watch.queues.queues),
        *_topics(at),
        *_web(at),
    ]
    return Response(write(families), headers={"Content-Type": CONTENT_TYPE})


def _broker(at: Site) -> Iterator[Family]:
    """The broker's own, under the names it gives them; gauges, but for names that end in ``_total``."""
    watch = at.watch
    up = Family("penstock_broker_up", "gauge", "Whether the broker answered in the last seconds.")
    up.add(float(watch.broker_up))
    yield up
    families: dict[str, Family] = {}
    fresh = watch.wall_ms() - watch.measures.broker_ms < MEASURES_MS
    for text, value in sorted(watch.measures.broker.items() if fresh else ()):
        parsed = parse_name(text)
        if parsed is None:
            continue
        name = parsed[0] if parsed[0].startswith("penstock_") else f"penstock_{parsed[0]}"
        kind = "counter" if name.endswith("_total") else "gauge"
        words = name.removeprefix("penstock_").removesuffix("_total").replace("_", " ")
        family = families.setdefault(name, Family(name, kind, f"The broker's {words}."))
        family.add(value, **parsed[1])
    yield from families.values()


def _topics(at: Site) -> Iterator[Family]:
    records = Family(
        "penstock_topic_end_offset", "gauge", "The end offsets of a topic's partitions, added up."
    )
    for name, topic in sorted(at.watch.topics.topics.items()):
        records.add(sum(topic.ends.values()), topic=name)
    rows = Family("penstock_table_rows", "gauge", "Rows of a live table.")
    changes = Family("penstock_table_changes_total", "counter", "Changes folded into a live table.")
    damaged = Family(
        "penstock_table_damaged_total", "counter", "Records of a table's topic that are no rows."
    )
    for name, feed in sorted(at.watch.feeds.feeds.items()):
        if feed.table is not None:
            rows.add(len(feed.table.rows), table=name)
            changes.add(feed.table.applied, table=name)
            damaged.add(feed.table.damaged, table=name)
    yield from (records, rows, changes, damaged)


def _web(at: Site) -> Iterator[Family]:
    requests = Family("penstock_web_requests_total", "counter", "HTTP requests answered.")
    for (method, path, status), count in sorted(at.requests.items()):
        requests.add(count, method=method, route=path, status=str(status))
    seconds = Family(
        "penstock_web_request_seconds_total", "counter", "Time taken to answer, event streams left out."
    )
    for path, taken_s in sorted(at.request_s.items()):
        seconds.add(taken_s, route=path)
    lag = Family(
        "penstock_web_loop_lag_seconds", "gauge", "The latest a timer fired in the last ten seconds."
    )
    lag.add(at.watch.measures.loop_lag_s)
    clients = Family("penstock_web_sse_clients", "gauge", "Clients that listen to server-sent events.")
    for kind, count in at.streams.counts().items():
        clients.add(count, stream=kind)
    build = Family("penstock_build_info", "gauge", "Always 1; the version is a label.")
    build.add(1, version=__version__)
    yield from (requests, seconds, lag, clients, build)
