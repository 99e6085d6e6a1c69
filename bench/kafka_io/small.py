"""Many small requests: single-record acks=all producers on 1, 16 and 256 connections.

Each connection sends one Produce request of one 100-byte record, waits for its answer, and sends the next; the same
prepared bytes go to both servers through bare sockets, so that the client costs little and costs both the same.
"""

import selectors
import socket
import time

from bench.kafka_io.requests import ProduceRequest
from bench.kafka_io.sides import Side
from penstock import record

CONNECTIONS = (1, 16, 256)
ANSWER_S = 10.0


def small(side: Side, topic: str, connections: int, seconds: float) -> dict[str, float]:
    """Requests a second, and milliseconds of one, with one request under way on each connection.

    Raises TimeoutError when the server does not answer.
    """
    batch = record.encode([record.Record(None, b"x" * 100, int(time.time() * 1000), ())])
    data, took = ProduceRequest(topic).around(batch), list[float]()
    with selectors.DefaultSelector() as waiting:
        clients = [_connected(side.address) for _ in range(connections)]
        try:
            begun_s = time.monotonic()
            for client in clients:
                waiting.register(client, selectors.EVENT_READ, [time.monotonic()])
                client.sendall(data)
            while time.monotonic() - begun_s < seconds:
                _answers(waiting, data, took)
            spent_s = time.monotonic() - begun_s
        finally:
            for client in clients:
                client.close()
    ordered = sorted(took)
    return {
        "requests_s": len(took) / spent_s,
        "p50_ms": ordered[len(took) // 2] * 1000,
        "p99_ms": ordered[int(len(took) * 0.99)] * 1000,
    }


def _connected(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    client = socket.create_connection((host, int(port)), ANSWER_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _answers(waiting: selectors.BaseSelector, data: bytes, took: list[float]) -> None:
    ready = waiting.select(ANSWER_S)
    if not ready:
        raise TimeoutError(f"no answer in {ANSWER_S:.0f} s")
    for key, _ in ready:
        client = key.fileobj
        assert isinstance(client, socket.socket)
        answer = client.recv(4096)
        if len(answer) < 4 or len(answer) != 4 + int.from_bytes(answer[:4], "big"):
            raise ConnectionError(f"no whole answer: {answer!r}")
        now_s = time.monotonic()
        took.append(now_s - key.data[0])
        key.data[0] = now_s
        client.sendall(data)
