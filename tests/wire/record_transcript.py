"""Records what real clients say to a Kafka session, and what it answers, as small text files for the tests.

    python -m tests.wire.record_transcript [CLIENT …]      # of CLIENTS below; all by default

A transcript is one event a line, in the order in which the session saw them: the connection's number, ``>`` for
bytes from the client or ``<`` for bytes to it, and the bytes in hex. The broker is the tests' fake one, so that a
replay gives the same answers. Not part of the test run: this is how its fixtures are made.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.oracle import kafka

from penstock.calls import Fetch, Principal
from penstock.compression import NONE
from penstock.record import scan
from penstock.wire.kafka.fetch_sessions import FetchSessions
from penstock.wire.kafka.session import KafkaOptions, KafkaSession
from tests.wire.driving import NOW
from tests.wire.fake_broker import FakeBroker

FOLDER = Path(__file__).parent / "transcripts"
PAUSE_S = 0.15


class Tap:
    """A listener on a free port whose connections are sessions over one fake broker."""

    def __init__(self) -> None:
        self.broker, self.fetch_sessions = FakeBroker(events=1), FetchSessions()
        self.events: list[tuple[int, str, bytes]] = []
        self.notices: list[str] = []
        self._lock = threading.Lock()
        self._connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self._connections += 1
                threading.Thread(target=self._serve, args=(connected, self._connections), daemon=True).start()

    def _serve(self, connected: socket.socket, number: int) -> None:
        session = KafkaSession(
            lambda: ("127.0.0.1", self.port), Principal(), KafkaOptions(), None, self.fetch_sessions
        )
        with connected, contextlib.suppress(OSError):
            while not session.closing and (data := connected.recv(65536)):
                with self._lock:
                    output, waits = self._handle(session, data, number)
                time.sleep(PAUSE_S if waits else 0)
                connected.sendall(output)

    def _handle(self, session: KafkaSession, data: bytes, number: int) -> tuple[bytes, bool]:
        self.events.append((number, ">", data))
        waits, asked = False, session.receive(data, NOW)
        while asked:
            ticket, call = asked.pop(0)
            result = self.broker.answer(call)
            waits = waits or (
                isinstance(call, Fetch) and not any(len(getattr(r, "batches", b"")) for r in result)
            )
            asked += session.answer(ticket, result)
        output = b"".join(session.take_output())
        if output:
            self.events.append((number, "<", output))
        self.notices += [notice.message for notice in session.take_notices()]
        return output, waits

    def codecs(self) -> set[int]:
        """The codecs of what was produced."""
        return {info.codec for log in self.broker.logs.values() for *_, batch in log for info in scan(batch)}

    def close(self) -> None:
        self._listener.close()


# --- what each client does: produce in its ways, read it back in a group, commit -----------------------------------


def librdkafka(address: str) -> int:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    for created in admin.create_topics([NewTopic("made", 2, 1)]).values():
        created.result(10)
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "compression.type": "lz4"})
    for n in range(3):
        producer.produce("events", f"value {n}" * 20, key=f"key {n}")
    producer.flush(10)
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "readers", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["events"])
    got = 0
    while got < 3:
        message = consumer.poll(10)
        got += message is not None and not message.error()
    consumer.commit(asynchronous=False)
    consumer.close()
    return got


def kcat(address: str) -> int:
    common = ["kcat", "-b", address, "-t", "events"]
    subprocess.run([*common, "-P", "-z", "lz4"], input=(b"value" * 40 + b"\n") * 3, check=True, timeout=30)
    out = subprocess.run(
        [*common, "-C", "-e", "-q", "-o", "beginning"], capture_output=True, check=True, timeout=30
    )
    subprocess.run(["kcat", "-b", address, "-L"], capture_output=True, check=True, timeout=30)
    return len(out.stdout.splitlines())


def kafka_python(address: str) -> int:
    from kafka import KafkaConsumer, KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, compression_type="gzip")
    for n in range(3):
        producer.send("events", f"value {n}".encode() * 20, key=f"key {n}".encode())
    producer.flush(10)
    producer.close()
    consumer = KafkaConsumer(
        "events",
        bootstrap_servers=address,
        group_id="readers",
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
    )
    got = sum(1 for _ in zip(range(3), consumer, strict=False))
    consumer.commit()
    consumer.close()
    return got


def aiokafka(address: str) -> int:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def both() -> int:
        producer = AIOKafkaProducer(bootstrap_servers=address, compression_type="snappy")
        await producer.start()
        for n in range(3):
            await producer.send_and_wait("events", f"value {n}".encode() * 20)
        await producer.stop()
        consumer = AIOKafkaConsumer(
            "events", bootstrap_servers=address, group_id="readers", auto_offset_reset="earliest"
        )
        await consumer.start()
        for _ in range(3):
            await asyncio.wait_for(consumer.getone(), 10)
        await consumer.commit()
        await consumer.stop()
        return 3

    return asyncio.run(both())


def java(address: str) -> int:
    program = [*kafka.java(heap="128m"), str(FOLDER.parent.parent / "clients" / "JavaClient.java")]
    subprocess.run([*program, "produce", address, "events", "zstd", "3", "java"], check=True, timeout=60)
    command = [*program, "consume", address, "events", "readers", "3"]
    out = subprocess.run(command, check=True, timeout=60, capture_output=True)
    return len(out.stdout.splitlines())


CLIENTS: dict[str, Callable[[str], int]] = {
    "librdkafka": librdkafka,
    "kcat": kcat,
    "kafka_python": kafka_python,
    "aiokafka": aiokafka,
    "java": java,
}


def lines(events: list[tuple[int, str, bytes]]) -> Iterator[str]:
    for number, direction, data in events:
        yield f"{number} {direction} {data.hex()}\n"


def main(names: Any) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or CLIENTS:
        tap = Tap()
        got = CLIENTS[name](f"127.0.0.1:{tap.port}")
        tap.close()
        assert got == 3, f"{name} read {got} records, not 3"
        assert not tap.notices, tap.notices
        assert tap.codecs() - {NONE}, "nothing was compressed: something is wrong with what ApiVersions says"
        size = (FOLDER / f"{name}.txt").write_text(f"# port {tap.port}\n" + "".join(lines(tap.events)))
        print(f"{name}: {len(tap.events)} events, {size} characters")


if __name__ == "__main__":
    main(sys.argv[1:])
