"""Many small requests: single-record acks=all producers on 1, 16 and 256 connections, beside Apache Kafka.

Method. Each connection sends one Produce request of one 100-byte record, waits for its answer, and sends the next; the
same prepared bytes go to both servers through bare sockets, so that the client costs little and costs both the same.
Requests a second and p99 of one request, both servers with an fsync before the answer; medians of the runs.
"""

import datetime
import selectors
import socket
import statistics
import time
from typing import Any

from bench.kafka_io import SERVERS
from penstock import record
from penstock.wire.kafka.codec import encode_request, request_type

CONNECTIONS = (1, 16, 256)
SECONDS = 3.0
PRODUCE, VERSION = 0, 9


def request(topic: str) -> bytes:
    """One Produce request: acks=all, one record."""
    data = record.encode([record.Record(None, b"x" * 100, int(time.time() * 1000), ())])
    kind = request_type(PRODUCE, VERSION)
    module = __import__(kind.__module__, fromlist=["TopicProduceData"])
    part = module.PartitionProduceData(index=0, records=data)
    message = kind(
        transactional_id=None,
        acks=-1,
        timeout=datetime.timedelta(seconds=5),
        topic_data=(module.TopicProduceData(name=topic, partition_data=(part,)),),
    )
    return encode_request(PRODUCE, VERSION, 1, "bench", message)


def load(address: str, topic: str, connections: int) -> tuple[float, float]:
    """(requests a second, p99 in ms) of `connections` that each have one request under way."""
    host, port = address.rsplit(":", 1)
    data, took = request(topic), list[float]()
    waiting = selectors.DefaultSelector()
    for _ in range(connections):
        client = socket.create_connection((host, int(port)))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(client, selectors.EVENT_READ, [0.0])
    begun_s = time.monotonic()
    for key in waiting.get_map().values():
        key.data[0] = time.monotonic()
        key.fileobj.sendall(data)  # type: ignore[union-attr]
    while time.monotonic() - begun_s < SECONDS:
        for key, _ in waiting.select(1):
            answer = key.fileobj.recv(4096)  # type: ignore[union-attr]
            assert len(answer) >= 4 and len(answer) == 4 + int.from_bytes(answer[:4], "big"), (
                "one whole answer"
            )
            now_s = time.monotonic()
            took.append(now_s - key.data[0])
            key.data[0] = now_s
            key.fileobj.sendall(data)  # type: ignore[union-attr]
    for key in list(waiting.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return len(took) / SECONDS, sorted(took)[int(len(took) * 0.99)] * 1000


def run(runs: int = 3) -> dict[str, Any]:
    """Medians by number of connections and server."""
    from confluent_kafka.admin import AdminClient, NewTopic

    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for _ in range(runs):
        for name, server in SERVERS.items():
            with server(True) as (address, _pid):
                admin = AdminClient({"bootstrap.servers": address})
                admin.create_topics([NewTopic("small", 1, 1)])["small"].result()
                load(address, "small", 16)
                for connections in CONNECTIONS:
                    found.setdefault((connections, name), []).append(load(address, "small", connections))
    rows = []
    for connections in CONNECTIONS:
        row: dict[str, Any] = {"connections": connections}
        for name in SERVERS:
            rates, delays = zip(*found[connections, name], strict=True)
            row[name] = {
                "requests_s": round(statistics.median(rates)),
                "p99_ms": round(statistics.median(delays), 2),
            }
        row["ratio"] = round(row["penstock"]["requests_s"] / row["kafka"]["requests_s"], 2)
        rows.append(row)
        print(row, flush=True)
    return {"small_requests": rows, "runs": runs}


if __name__ == "__main__":
    run(1)
