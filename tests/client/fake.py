"""A small Kafka server for tests: keeps batches in memory, and fails on purpose where a test says so.

Written on the gateway's codec but with none of the broker's code, so that it and the client cannot share a mistake.
"""

import asyncio
import re
import struct
from collections.abc import Callable
from typing import Any, Self

from penstock import record
from penstock.client.messages import NAMES, SPOKEN
from penstock.wire.kafka.codec import decode_header, decode_request, encode_response


class FakeKafka:
    """One node of one cluster; `peers` makes several share their partitions and leaders.

    `trouble` is asked before each request: None goes on; ``drop`` closes before, ``drop after`` closes once the
    request was done but before the answer; ``mute`` never answers; bytes are sent in place of the answer;
    a number is the error code of the request's partitions.
    """

    def __init__(self, node: int = 1, partitions: int = 1, peers: "list[FakeKafka] | None" = None) -> None:
        self.node, self.port = node, 0
        self.peers = peers if peers is not None else []
        self.peers.append(self)
        first = self.peers[0]
        self.logs: dict[tuple[str, int], list[bytes]] = getattr(first, "logs", {})
        self.leaders: dict[int, int] = getattr(first, "leaders", dict.fromkeys(range(partitions), node))
        self.commits: dict[tuple[str, str, int], int] = {}
        self.topics = {"t": partitions}
        self.trouble: Callable[[str, Any], Any] = lambda api, request: None
        self.seen: list[str] = []
        self.ends: list[bool] = []
        self.connections = 0
        self.versions: dict[str, tuple[int, int]] = {n: (lo, hi) for n, (_, lo, hi) in SPOKEN.items()}
        self.written: dict[tuple[int, str, int], dict[int, int]] = getattr(first, "written", {})
        self._arrived = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def records(self, topic: str = "t", partition: int = 0) -> list[record.Record]:
        return [r for batch in self.logs.get((topic, partition), []) for r in record.decode(batch)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                size = struct.unpack(">i", await reader.readexactly(4))[0]
                frame = memoryview(await reader.readexactly(size))
                if not await self._answer(frame, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, frame: memoryview, writer: asyncio.StreamWriter) -> bool:
        header = decode_header(frame)
        api = NAMES[header.api_key]
        request = decode_request(header, frame)
        self.seen.append(api)
        trouble = self.trouble(api, request)
        if trouble == "drop":
            return False
        if trouble == "mute":
            return True
        if isinstance(trouble, bytes):
            writer.write(trouble)
            return True
        row = await getattr(self, "on" + re.sub("([A-Z])", r"_\1", api).lower())(
            request, trouble if isinstance(trouble, int) else 0
        )
        if trouble == "drop after":
            return False
        if getattr(request, "acks", None) != 0:
            writer.writelines(encode_response(header.api_key, header.version, header.correlation_id, row))
        return True

    # --- the answers ---------------------------------------------------------------------------------------------

    async def on_api_versions(self, request: Any, error: int) -> dict[str, Any]:
        keys = [
            {"api_key": SPOKEN[name][0], "min_version": low, "max_version": high}
            for name, (low, high) in self.versions.items()
        ]
        return {"error_code": error, "api_keys": keys}

    async def on_metadata(self, request: Any, error: int) -> dict[str, Any]:
        names = list(self.topics) if request.topics is None else [t.name for t in request.topics]
        brokers = [{"node_id": n.node, "host": "127.0.0.1", "port": n.port} for n in self.peers]
        topics = []
        for name in names:
            count = self.topics.get(name, 0)
            parts = [
                {"partition_index": p, "leader_id": self.leaders.get(p, self.node)} for p in range(count)
            ]
            topics.append({"name": name, "error_code": error or (0 if count else 3), "partitions": parts})
        return {"brokers": brokers, "controller_id": self.node, "cluster_id": "fake", "topics": topics}

    async def on_init_producer_id(self, request: Any, error: int) -> dict[str, Any]:
        return {
            "producer_id": 1000 + self.seen.count("InitProducerId"),
            "producer_epoch": 0,
            "error_code": error,
        }

    async def on_produce(self, request: Any, error: int) -> dict[str, Any]:
        topic = request.topic_data[0]
        part = topic.partition_data[0]
        if self.leaders.get(part.index) != self.node:
            error = 6
        base = -1 if error else self._append(topic.name, part.index, bytes(part.records))
        if base == -2:
            error, base = 45, -1
        answer = {"index": part.index, "error_code": error, "base_offset": base}
        return {"responses": [{"name": topic.name, "partition_responses": [answer]}]}

    def _append(self, topic: str, partition: int, batch: bytes) -> int:
        """The base offset; the old one for a batch known by its sequence; -2 where a sequence is missing."""
        log = self.logs.setdefault((topic, partition), [])
        info = next(record.scan(batch))
        assert record.intact(batch)
        end = next(record.scan(log[-1])).last_offset + 1 if log else 0
        if info.producer_id >= 0:
            written = self.written.setdefault((info.producer_id, topic, partition), {})
            if info.base_sequence in written:
                return written[info.base_sequence]
            if info.base_sequence != written.get(-1, 0):
                return -2
            written[info.base_sequence], written[-1] = end, info.base_sequence + info.count
        placed = bytearray(batch)
        record.place(placed, 0, end)
        log.append(bytes(placed))
        self._arrived.set()
        return end

    async def on_fetch(self, request: Any, error: int) -> dict[str, Any]:
        for wait_s in (request.max_wait.total_seconds(), 0):
            topics, found = [], error != 0
            for topic in request.topics:
                parts = [self._read(topic.topic, p, error) for p in topic.partitions]
                found = found or any(p["records"] or p["error_code"] for p in parts)
                topics.append({"topic": topic.topic, "partitions": parts})
            if found or not wait_s:
                break
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), wait_s)
            except TimeoutError:
                break
        return {"responses": topics}

    def _read(self, topic: str, asked: Any, error: int) -> dict[str, Any]:
        log = self.logs.get((topic, asked.partition), [])
        infos = [next(record.scan(b)) for b in log]
        high = infos[-1].last_offset + 1 if infos else 0
        start = infos[0].base_offset if infos else 0
        if self.leaders.get(asked.partition) != self.node:
            error = 6
        elif not start <= asked.fetch_offset <= high:
            error = 1
        rest = b"".join(b for b, i in zip(log, infos, strict=True) if i.last_offset >= asked.fetch_offset)
        return {
            "partition_index": asked.partition,
            "error_code": error,
            "high_watermark": high,
            "last_stable_offset": high,
            "log_start_offset": start,
            "aborted_transactions": None,
            "records": b"" if error else rest[: asked.partition_max_bytes],
        }

    async def on_list_offsets(self, request: Any, error: int) -> dict[str, Any]:
        topics = []
        for topic in request.topics:
            parts = []
            for part in topic.partitions:
                records = self.records(topic.name, part.partition_index)
                start = records[0].offset if records else 0
                after = [r for r in records if r.timestamp_ms >= part.timestamp >= 0]
                end = records[-1].offset + 1 if records else 0
                offset = {-2: start, -1: end}.get(part.timestamp, after[0].offset if after else -1)
                parts.append({"partition_index": part.partition_index, "error_code": error, "offset": offset})
            topics.append({"name": topic.name, "partitions": parts})
        return {"topics": topics}

    async def on_create_topics(self, request: Any, error: int) -> dict[str, Any]:
        topic = request.topics[0]
        error = error or (36 if topic.name in self.topics else 0)
        if not error:
            self.topics[topic.name] = topic.num_partitions
        return {"topics": [{"name": topic.name, "error_code": error, "error_message": None}]}

    async def on_delete_topics(self, request: Any, error: int) -> dict[str, Any]:
        name = request.topic_names[0]
        error = error or (0 if self.topics.pop(name, None) else 3)
        return {"responses": [{"name": name, "error_code": error}]}

    async def on_find_coordinator(self, request: Any, error: int) -> dict[str, Any]:
        return {"error_code": error, "node_id": self.node, "host": "127.0.0.1", "port": self.port}

    async def on_delete_records(self, request: Any, error: int) -> dict[str, Any]:
        topic = request.topics[0]
        part = topic.partitions[0]
        log = self.logs.get((topic.name, part.partition_index), [])
        if not error:
            log[:] = [b for b in log if next(record.scan(b)).last_offset >= part.offset]
        answer = {"partition_index": part.partition_index, "low_watermark": part.offset, "error_code": error}
        return {"topics": [{"name": topic.name, "partitions": [answer]}]}

    async def on_incremental_alter_configs(self, request: Any, error: int) -> dict[str, Any]:
        resource = request.resources[0]
        answer = {
            "error_code": error,
            "error_message": None,
            "resource_type": resource.resource_type,
            "resource_name": resource.resource_name,
        }
        return {"responses": [answer]}

    async def on_add_partitions_to_txn(self, request: Any, error: int) -> dict[str, Any]:
        topics = [
            {
                "name": t.name,
                "results_by_partition": [
                    {"partition_index": p, "partition_error_code": error} for p in t.partitions
                ],
            }
            for t in request.v3_and_below_topics
        ]
        return {"results_by_topic_v3_and_below": topics}

    async def on_add_offsets_to_txn(self, request: Any, error: int) -> dict[str, Any]:
        return {"error_code": error}

    async def on_txn_offset_commit(self, request: Any, error: int) -> dict[str, Any]:
        return await self.on_offset_commit(request, error)

    async def on_end_txn(self, request: Any, error: int) -> dict[str, Any]:
        if not error and self.ends[-1:] != [request.committed]:
            self.ends.append(request.committed)
        return {"error_code": error}

    async def on_offset_commit(self, request: Any, error: int) -> dict[str, Any]:
        topics = []
        for t in request.topics:
            for p in t.partitions:
                self.commits[(request.group_id, t.name, p.partition_index)] = p.committed_offset
            parts = [{"partition_index": p.partition_index, "error_code": error} for p in t.partitions]
            topics.append({"name": t.name, "partitions": parts})
        return {"topics": topics}

    async def on_offset_fetch(self, request: Any, error: int) -> dict[str, Any]:
        held = [(t, p, o) for (g, t, p), o in self.commits.items() if g == request.group_id]
        topics = [
            {
                "name": t,
                "partitions": [
                    {"partition_index": p, "committed_offset": o, "metadata": "", "error_code": 0}
                ],
            }
            for t, p, o in held
        ]
        return {"topics": topics, "error_code": error}
