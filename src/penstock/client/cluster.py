"""The servers of a cluster as one client sees them: who leads what, one connection each, when to ask again.

Knows metadata, leaders, coordinators and reconnecting; knows nothing of what is appended or read.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from penstock.client.backoff import Backoff
from penstock.client.connection import Connection, connect
from penstock.client.errors import ConnectionLostError, KafkaError, failure
from penstock.client.security import NOTHING, Security
from penstock.errors import PenstockError

T = TypeVar("T")
GROUP, TRANSACTION = 0, 1
"""What a coordinator keeps (FindCoordinator's key types)."""
_KINDS = ("group", "transactional id")


@dataclass(frozen=True)
class ClientOptions:
    """How a client behaves; one place for all its limits."""

    client_id: str = "penstock"
    """The name the server's log and quotas know this client by."""
    connect_timeout_s: float = 5.0
    """How long opening one connection may take, in seconds."""
    request_timeout_s: float = 30.0
    """How long a server may take over one request, in seconds."""
    deadline_s: float = 60.0
    """How long a call is retried before its last error is raised, in seconds."""
    unknown_topic_s: float = 3.0
    """How long a topic that is not there is looked for again: news of a new one travels, in seconds."""
    delivery_timeout_s: float = 120.0
    """How long an append is retried before it fails, in seconds."""
    backoff_first_s: float = 0.05
    """The wait after a first failure, in seconds; it doubles from there."""
    backoff_max_s: float = 1.0
    """The longest wait between attempts, in seconds."""
    metadata_max_age_s: float = 60.0
    """Metadata older than this is asked for again, in seconds."""
    frame_bytes_max: int = 256 * 1024 * 1024
    """The largest response that is believed, in bytes."""
    batch_bytes_max: int = 900_000
    """How large `produce` makes a record batch, in bytes of keys and values."""
    in_flight_max: int = 5
    """How many appends to one partition are under way at once, when a producer id keeps them in order."""
    idempotent: bool = True
    """Ask for a producer id, so that a retried append is written once; needs acks of -1."""
    security: Security = NOTHING
    """How to prove who one is, and to know who the server is."""
    jitter: Callable[[], float] = field(default=random.random, repr=False)
    """Where the spread of the waits comes from: uniform in 0..1."""


@dataclass(frozen=True, slots=True)
class TopicMeta:
    """A topic as metadata tells it. `error` is Kafka's error name where the topic cannot be used, else None.

    `leaders[p]` is the node that leads partition p, -1 where there is none now. `replicas` is partition 0's number.
    """

    name: str
    topic_id: bytes
    partitions: int
    internal: bool
    error: str | None = None
    leaders: tuple[int, ...] = ()
    replicas: int = 1


@dataclass
class _Node:
    backoff: Backoff
    connection: Connection | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    open_after_s: float = 0.0


class Cluster:
    """Connections and metadata of one cluster. `close` ends all connections."""

    def __init__(self, bootstrap: str, options: ClientOptions) -> None:
        self.options = options
        self.bootstrap = addresses(bootstrap)
        self.controller = -1
        self.cluster_id = ""
        self._nodes: dict[tuple[tuple[str, int], object], _Node] = {}
        self._brokers: dict[int, tuple[str, int]] = {}
        self._topics: dict[str, tuple[TopicMeta, float]] = {}
        self._coordinators: dict[tuple[int, str], int] = {}
        self._asking: dict[tuple[str, ...] | None, asyncio.Task[dict[str, TopicMeta]]] = {}

    # --- connections ---------------------------------------------------------------------------------------------

    async def any_connection(self) -> Connection:
        """An open connection to whichever server answers; raises the last ConnectionLostError when none does."""
        known = [*self._brokers.values(), *self.bootstrap]
        known.sort(
            key=lambda a: not ((n := self._nodes.get((a, None))) and n.connection and not n.connection.lost)
        )
        last: KafkaError = ConnectionLostError("no server is known")
        for address in dict.fromkeys(known):
            try:
                return await self._open(address)
            except ConnectionLostError as error:
                last = error
        raise last

    async def connection_to(self, node: int, user: object = None) -> Connection:
        """The connection to a server by its node id; raises ConnectionLostError when it cannot be opened now.

        Servers answer one connection's requests in order, so a long poll holds up all behind it: who waits long
        gives itself as `user`, has connections of its own, and ends them with `release`.
        """
        if node not in self._brokers:
            raise ConnectionLostError(f"node {node} is not in the metadata", name="LEADER_NOT_AVAILABLE")
        return await self._open(self._brokers[node], user)

    async def release(self, user: object) -> None:
        """Close the connections that `user` had for itself."""
        mine = [key for key in self._nodes if key[1] is user]
        open_ones = [c for key in mine if (c := self._nodes.pop(key).connection)]
        await asyncio.gather(*(c.close() for c in open_ones))

    async def leader(self, topic: str, partition: int) -> Connection:
        """The connection to a partition's leader."""
        meta = (await self.topics((topic,)))[topic]
        if meta.error:
            raise KafkaError(meta.error, f"use the topic {topic}", retriable=True)
        node = meta.leaders[partition] if 0 <= partition < meta.partitions else None
        if node is None:
            raise failure(
                3, f"use partition {topic}-{partition}", f"the topic has {meta.partitions} partitions"
            )
        if node < 0:
            raise failure(5, f"use partition {topic}-{partition}")
        return await self.connection_to(node)

    async def _open(self, address: tuple[str, int], user: object = None) -> Connection:
        node = self._nodes.get((address, user))
        if node is None:
            node = self._nodes[address, user] = _Node(self.backoff())
        async with node.lock:
            if node.connection and not node.connection.lost:
                return node.connection
            now_s = asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, node.open_after_s - now_s))
            try:
                node.connection = await connect(
                    *address,
                    client_id=self.options.client_id,
                    timeout_s=self.options.connect_timeout_s,
                    frame_bytes_max=self.options.frame_bytes_max,
                    security=self.options.security,
                )
            except ConnectionLostError:
                node.open_after_s = asyncio.get_running_loop().time() + node.backoff.next_s()
                raise
            node.backoff.reset()
            return node.connection

    def backoff(self) -> Backoff:
        """A fresh back-off by this client's options."""
        return Backoff(self.options.backoff_first_s, self.options.backoff_max_s, self.options.jitter)

    async def close(self) -> None:
        """Close every connection."""
        for task in self._asking.values():
            task.cancel()
        open_ones = [n.connection for n in self._nodes.values() if n.connection]
        await asyncio.gather(*(c.close() for c in open_ones))

    # --- asking --------------------------------------------------------------------------------------------------

    async def ask_any(self, api: str, row: Mapping[str, Any]) -> Any:
        """One request to any server, retried by `persist`'s rules by the caller."""
        return await (await self.any_connection()).ask(api, row, self.options.request_timeout_s)

    async def ask_all(self, api: str, row: Mapping[str, Any]) -> list[Any]:
        """One request to every server."""
        await self._refresh(())
        connections = [await self.connection_to(node) for node in self._brokers]
        return [await c.ask(api, row, self.options.request_timeout_s) for c in connections]

    async def ask_controller(self, api: str, row: Mapping[str, Any]) -> Any:
        """One request to the server that creates and deletes topics."""
        if self.controller not in self._brokers:
            await self._refresh(())
        connection = await (
            self.connection_to(self.controller) if self.controller in self._brokers else self.any_connection()
        )
        return await connection.ask(api, row, self.options.request_timeout_s)

    async def ask_coordinator(
        self,
        key: str,
        api: str,
        row: Mapping[str, Any],
        kind: int = GROUP,
        *,
        user: object = None,
        wait_s: float = 0.0,
    ) -> Any:
        """One request to the server that keeps a group, or (kind TRANSACTION) a transactional id.

        Where the answer may take `wait_s` by itself, give a `user`, as for `connection_to`.
        """
        if (kind, key) not in self._coordinators:
            found = await self.ask_any("FindCoordinator", {"key": key, "key_type": kind})
            if found.error_code:
                what = f"find the coordinator of {_KINDS[kind]} {key}"
                raise failure(found.error_code, what, found.error_message)
            self._brokers[found.node_id] = (found.host, found.port)
            self._coordinators[kind, key] = found.node_id
        connection = await self.connection_to(self._coordinators[kind, key], user)
        return await connection.ask(api, row, self.options.request_timeout_s + wait_s)

    async def persist(self, attempt: Callable[[], Awaitable[T]], deadline_s: float | None = None) -> T:
        """Run `attempt` until it does not fail with a retriable error, or the deadline has come."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        end_s = began_s + (self.options.deadline_s if deadline_s is None else deadline_s)
        backoff = self.backoff()
        while True:
            try:
                return await attempt()
            except KafkaError as error:
                wait_s = backoff.next_s()
                if (
                    error.name == "CONCURRENT_TRANSACTIONS"
                ):  # Kafka answers EndTxn before it has ended; soon it has
                    wait_s = min(wait_s, 0.02)
                if error.name == "UNKNOWN_TOPIC_OR_PARTITION":
                    end_s = min(end_s, began_s + self.options.unknown_topic_s)
                if not error.retriable or loop.time() + wait_s > end_s:
                    raise
                self.doubt(error)
            await asyncio.sleep(wait_s)

    def doubt(self, error: KafkaError) -> None:
        """Forget what an error says is stale: leaders, the controller, coordinators."""
        if error.stale_metadata:
            self._topics.clear()
        if error.name in ("NOT_CONTROLLER", "NETWORK_EXCEPTION"):
            self.controller = -1
        if error.name in ("NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "NETWORK_EXCEPTION"):
            self._coordinators.clear()

    # --- metadata ------------------------------------------------------------------------------------------------

    async def topics(self, names: Sequence[str] | None) -> dict[str, TopicMeta]:
        """Metadata of the named topics from the cache, or of all topics, always asked anew."""
        if names is None:
            return await self._refresh(None)
        fresh_s = asyncio.get_running_loop().time() - self.options.metadata_max_age_s
        missing = tuple(n for n in names if n not in self._topics or self._topics[n][1] < fresh_s)
        asked = await self._refresh(missing) if missing else {}
        return {n: asked[n] if n in asked else self._topics[n][0] for n in names}

    def forget(self, topic: str) -> None:
        """Ask for this topic's metadata anew at its next use."""
        self._topics.pop(topic, None)

    async def _refresh(self, names: tuple[str, ...] | None) -> dict[str, TopicMeta]:
        """Ask for metadata; those who ask for the same at the same time share one request."""
        task = self._asking.get(names)
        if task is None:
            task = self._asking[names] = asyncio.create_task(self._ask_metadata(names))
            task.add_done_callback(lambda done: self._asked(names, done))
        return await asyncio.shield(task)

    def _asked(self, names: tuple[str, ...] | None, done: asyncio.Task[dict[str, TopicMeta]]) -> None:
        del self._asking[names]
        if not done.cancelled():
            done.exception()  # seen: those who asked may all have gone away

    async def _ask_metadata(self, names: tuple[str, ...] | None) -> dict[str, TopicMeta]:
        topics = None if names is None else [{"name": n} for n in names]
        answer = await self.ask_any("Metadata", {"topics": topics, "allow_auto_topic_creation": False})
        if answer.brokers:
            self._brokers = {b.node_id: (b.host, b.port) for b in answer.brokers}
        self.controller, self.cluster_id = answer.controller_id, answer.cluster_id or ""
        now_s = asyncio.get_running_loop().time()
        found = {t.name: _topic(t) for t in answer.topics}
        for meta in found.values():
            if meta.error is None:
                self._topics[meta.name] = (meta, now_s)
            else:
                self._topics.pop(meta.name, None)
        for name in names or ():
            if name not in found:
                found[name] = TopicMeta(name, b"", 0, False, "UNKNOWN_TOPIC_OR_PARTITION")
        return found


def _topic(answer: Any) -> TopicMeta:
    topic_id = getattr(answer, "topic_id", None)
    leaders = {p.partition_index: p.leader_id for p in answer.partitions}
    count = max(leaders, default=-1) + 1
    return TopicMeta(
        answer.name,
        topic_id.bytes if topic_id else b"",
        count,
        answer.is_internal,
        answer.error_code.name.upper() if answer.error_code else None,
        tuple(leaders.get(p, -1) for p in range(count)),
        next((len(p.replica_nodes) for p in answer.partitions if p.partition_index == 0), 1),
    )


def addresses(bootstrap: str) -> list[tuple[str, int]]:
    """``host:port`` pairs from a comma-separated list; ``[::1]:9092`` for IPv6."""
    found = []
    for text in filter(None, (part.strip() for part in bootstrap.split(","))):
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdigit() or not 0 < int(port) < 65536 or not host:
            raise PenstockError(
                f"not an address: {text}", remedy="write host:port, for example 127.0.0.1:9092"
            )
        found.append((host.strip("[]"), int(port)))
    if not found:
        raise PenstockError(
            "no server address was given", remedy="write host:port, for example 127.0.0.1:9092"
        )
    return found
