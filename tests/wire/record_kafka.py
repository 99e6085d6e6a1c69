"""Records what real clients and a real Kafka say to each other, in the versions that we offer.

    python -m tests.wire.record_kafka [CLIENT …]           # needs Java; see bench/oracle/kafka.py

A proxy stands between: it writes every frame down as it was and passes it on, only that the client sees no more
versions in ApiVersions than ours. Same format as `record_transcript.py`, one whole frame a line. Not part of the
test run: this is how its fixtures are made.
"""

import contextlib
import socket
import sys
import threading
from collections import deque
from typing import Any

from bench.oracle import kafka

from penstock.wire.frames import Frames
from penstock.wire.kafka.codec import decode_response, encode_response, peek
from penstock.wire.kafka.registry import OFFERED
from tests.wire.record_transcript import CLIENTS, FOLDER, lines

API_VERSIONS = 18
GATHER = {"group.initial.rebalance.delay.ms": "0", "num.partitions": "1"}


class Proxy:
    """Between clients and the Kafka at `target`."""

    def __init__(self) -> None:
        self.target = ("", 0)
        self.events: list[tuple[int, str, bytes]] = []
        self.recording = False
        self._connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._connections += 1
                try:
                    server = socket.create_connection(self.target)
                except OSError:  # Kafka is not there yet
                    client.close()
                    continue
                asked: deque[tuple[int, int]] = deque()
                events = self.events if self.recording else []
                for source, sink, way in ((client, server, ">"), (server, client, "<")):
                    work = (source, sink, (self._connections, way), events, asked)
                    threading.Thread(target=self._pass_on, args=work, daemon=True).start()

    def _pass_on(
        self,
        source: socket.socket,
        sink: socket.socket,
        where: tuple[int, str],
        events: list[tuple[int, str, bytes]],
        asked: "deque[tuple[int, int]]",
    ) -> None:
        frames = Frames(1 << 30)
        with source, sink, contextlib.suppress(OSError):
            while data := source.recv(65536):
                for frame in frames.feed(data):
                    whole = len(frame).to_bytes(4, "big") + frame
                    events.append((*where, whole))
                    if where[1] == ">":
                        asked.append(peek(frame)[:2])
                    else:
                        key, version = asked.popleft()
                        whole = capped(version, frame) if key == API_VERSIONS else whole
                    sink.sendall(whole)


def capped(version: int, frame: memoryview) -> bytes:
    """An answer to ApiVersions with our versions, where Kafka has them too."""
    version = 0 if int.from_bytes(frame[4:6], "big") == 35 else version
    correlation_id, told = decode_response(API_VERSIONS, version, frame)
    keys: list[dict[str, Any]] = [
        {
            "api_key": a.api_key,
            "min_version": a.min_version,
            "max_version": min(a.max_version, OFFERED[a.api_key].highest),
        }
        for a in told.api_keys
        if a.api_key in OFFERED
    ]
    return b"".join(encode_response(API_VERSIONS, version, correlation_id, {"api_keys": keys}))


def prepare(address: str) -> None:
    """A topic, and coordinators that are ready."""
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic("events", 1, 1)])["events"].result(20)
    admin.create_topics([NewTopic("warm", 1, 1)])["warm"].result(20)
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "log_level": 0})
    producer.produce("warm", b"")
    producer.flush(20)
    admin.delete_topics(["warm"])["warm"].result(20)
    consumer = Consumer({"bootstrap.servers": address, "group.id": "early", "auto.offset.reset": "earliest"})
    consumer.subscribe(["events"])
    consumer.poll(8)
    consumer.close()


def main(names: Any) -> None:
    (FOLDER / "kafka").mkdir(exist_ok=True)
    for name in names or CLIENTS:
        proxy = Proxy()
        advertised = {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{proxy.port}", **GATHER}
        with kafka.kafka(advertised, heap="512m") as address:
            host, port = address.split(":")
            proxy.target = (host, int(port))
            prepare(address)
            proxy.recording = True
            CLIENTS[name](f"127.0.0.1:{proxy.port}")
            found = list(proxy.events)  # before Kafka, stopping, answers what still waits
        text = f"# port {proxy.port}\n" + "".join(lines(found))
        (FOLDER / "kafka" / f"{name}.txt").write_text(text)
        print(f"{name}: {len(found)} events, {len(text)} characters")


if __name__ == "__main__":
    main(sys.argv[1:])
