"""The graph: sources → topics → pipelines → tables → clients, each with its rate, lag and a minute of points.

A table and the topic behind it are one node, the table. Knows what is followed; knows no requests.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.dlq.naming import place_of_queue
from penstock.web.follow.groups import Group
from penstock.web.follow.jobs import Job
from penstock.web.follow.reports import Input
from penstock.web.follow.topics import Topic
from penstock.web.follow.watch import Watch


class FlowNode(msgspec.Struct):
    """One node. `spark` has one point a second, newest last."""

    id: str
    kind: str
    label: str
    status: str
    rate: float = 0.0
    lag: float = 0
    spark: list[float] = []
    detail: str = ""


class FlowEdge(msgspec.Struct):
    """One arrow; `source` and `target` are written as ``from`` and ``to``."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    rate: float = 0.0


class Graph:
    """Collects nodes and arrows; an arrow to a node that is not there is left out at the end."""

    def __init__(self) -> None:
        self.nodes: dict[str, FlowNode] = {}
        self._edges: dict[tuple[str, str], float] = {}

    def node(self, node: FlowNode) -> None:
        """Add a node; the first of an id stays."""
        self.nodes.setdefault(node.id, node)

    def edge(self, source: str, target: str, rate: float) -> None:
        """Add an arrow; parallel ones add up."""
        self._edges[(source, target)] = self._edges.get((source, target), 0.0) + rate

    @property
    def edges(self) -> list[FlowEdge]:
        """The arrows between nodes that are there."""
        return [
            FlowEdge(source, target, round(rate, 2))
            for (source, target), rate in self._edges.items()
            if source in self.nodes and target in self.nodes
        ]


def draw(watch: Watch, now_ms: int) -> Graph:
    """The graph as it is now."""
    graph = Graph()
    tables = {feed.topic: name for name, feed in watch.feeds.feeds.items()}
    places = _Places(tables)
    _draw_sources(graph, watch, places, now_ms)
    for topic in watch.topics.topics.values():
        if not topic.internal and topic.meta.name not in tables:
            graph.node(_topic_node(topic))
    for name, job in sorted(watch.jobs.jobs.items()):
        _draw_job(graph, places, name, job, now_ms)
    for name in watch.feeds.feeds:
        graph.node(_table_node(watch, name))
    for name, group in sorted(watch.groups.groups.items()):
        _draw_client(graph, places, name, group, watch)
    return graph


class _Places:
    """Which node a topic is drawn as."""

    def __init__(self, tables: dict[str, str]) -> None:
        self._tables = tables

    def of(self, topic: str) -> str:
        return f"table:{self._tables[topic]}" if topic in self._tables else f"topic:{topic}"


def _draw_sources(graph: Graph, watch: Watch, places: _Places, now_ms: int) -> None:
    for name, source in sorted(watch.jobs.sources.items()):
        report, stale = source.report, source.stale(now_ms)
        status = "stale" if stale else _busy(source.rows.rate) if report.state == "running" else "idle"
        detail = f"{report.rows:,.0f} records to {report.topic}" + ("; not heard from" if stale else "")
        node = f"source:{name}"
        graph.node(
            FlowNode(
                node,
                "source",
                report.name,
                status,
                _round(source.rows.rate),
                spark=source.rows.spark,
                detail=detail,
            )
        )
        graph.edge(node, places.of(report.topic), source.rows.rate)


def _topic_node(topic: Topic) -> FlowNode:
    rate, name = topic.appended.rate, topic.meta.name
    parts = "1 partition" if topic.meta.partitions == 1 else f"{topic.meta.partitions} partitions"
    status = "error" if topic.meta.error else "warn" if rate > 0 and name.endswith(".dlq") else _busy(rate)
    detail = topic.meta.error or f"{topic.records:,} records in {parts}"
    return FlowNode(
        f"topic:{name}", "topic", name, status, _round(rate), spark=topic.appended.spark, detail=detail
    )


def job_status(job: Job, now_ms: int) -> str:
    """A pipeline's state in one of the five words of a node."""
    if job.report.state == "failed":
        return "error"
    if job.stale(now_ms):
        return "stale"
    if job.report.state != "running":
        return "warn" if job.report.state == "starting" else "idle"
    if job.lag.rising or job.dead.grown > 0:
        return "warn"
    return _busy(job.rows_in.rate)


def _draw_job(graph: Graph, places: _Places, name: str, job: Job, now_ms: int) -> None:
    report, node = job.report, f"pipeline:{name}"
    lag = sum(each.lag or 0 for each in report.inputs)
    spark = job.rows_in.spark
    graph.node(
        FlowNode(
            node,
            "pipeline",
            name,
            job_status(job, now_ms),
            _round(job.rows_in.rate),
            lag,
            spark,
            _job_detail(job),
        )
    )
    for each in report.inputs:
        if each.connector == "datagen":
            made = f"source:{name}/{each.table}"
            rate = job.way(f"in:{each.table}")
            detail = f"rows made by datagen for {name}"
            graph.node(FlowNode(made, "source", each.table, _busy(rate), _round(rate), detail=detail))
            graph.edge(made, node, rate)
            continue
        if each.connector == "amqp":
            _draw_queue(graph, node, each, job.way(f"in:{each.table}"))
            continue
        topic = each.topic or each.table
        graph.edge(places.of(topic), node, job.way(f"in:{each.table}"))
        if each.dead_letters:
            graph.edge(node, places.of(f"{topic}.dlq"), 0.0)
    for out in report.outputs:
        if out.connector in ("kafka", "upsert-kafka"):
            graph.edge(node, places.of(out.topic or out.table), job.way(f"out:{out.table}"))


def _draw_queue(graph: Graph, job: str, queue: Input, rate: float) -> None:
    """A queue that tasks take their calls from."""
    node, lag = place_of_queue(queue.vhost, queue.table), queue.lag or 0
    status = "warn" if queue.dead_letters and rate else _busy(rate)
    detail = f"queue, {lag:,.0f} calls wait" if lag != 1 else "queue, 1 call waits"
    graph.node(FlowNode(node, "source", queue.table, status, _round(rate), lag, detail=detail))
    graph.edge(node, job, rate)


def _job_detail(job: Job) -> str:
    report = job.report
    if report.error is not None and report.state == "failed":
        return report.error.message
    where = f"{report.state} on {report.worker}" if report.worker else report.state
    return f"{where}, {report.restarts} restarts" if report.restarts else where


def _table_node(watch: Watch, name: str) -> FlowNode:
    feed = watch.feeds.feeds[name]
    topic, node = watch.topics.topics.get(feed.topic), f"table:{name}"
    if feed.table is None:
        status = "idle" if topic is None else "warn"
        return FlowNode(node, "table", name, status, detail=f"waits for its topic {feed.topic}")
    series = topic.appended if topic else None
    rate = series.rate if series else 0.0
    status = "error" if feed.table.full else _busy(rate)
    detail = "too large to be served" if feed.table.full else f"{len(feed.table.rows):,} rows"
    return FlowNode(
        node, "table", name, status, _round(rate), spark=series.spark if series else [], detail=detail
    )


def _draw_client(graph: Graph, places: _Places, name: str, group: Group, watch: Watch) -> None:
    """A consumer group that reads user topics; groups of the stack's own are no clients."""
    if name.startswith("_penstock") or group.info.state in ("Dead", ""):
        return
    shown = [topic for topic in group.topics if places.of(topic) in graph.nodes]
    if not shown and group.info.protocol_type != "consumer":
        return
    node, lag = f"client:{name}", sum(group.lag(topic) for topic in shown)
    count = len(group.info.members)
    members = "no members" if not count else "1 member" if count == 1 else f"{count} members"
    status = "idle" if not count else "warn" if watch.groups.rising(name) else "ok"
    graph.node(
        FlowNode(node, "client", name, status, lag=lag, detail=f"{group.info.state.lower()}, {members}")
    )
    for topic in shown:
        graph.edge(places.of(topic), node, watch.groups.rate(name, topic))


def _busy(rate: float) -> str:
    return "ok" if rate > 0 else "idle"


def _round(rate: float) -> float:
    return round(rate, 2)


def as_flow(graph: Graph, troubles: Iterable[Any], now_ms: int) -> dict[str, Any]:
    """What `GET /api/flow` answers."""
    return {
        "at_ms": now_ms,
        "nodes": list(graph.nodes.values()),
        "edges": graph.edges,
        "troubles": list(troubles),
    }
