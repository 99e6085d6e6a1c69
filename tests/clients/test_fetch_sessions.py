"""Which clients go on in fetch sessions (KIP-227), seen by a listener between them and the broker; and that they wait there."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from penstock.testing.processes import BrokerProcess
from penstock.wire.frames import Frames
from penstock.wire.kafka.codec import decode_header, decode_request, decode_response, peek
from tests.clients.drivers import DRIVERS, ClientDriver

FETCH = 1
PARTITIONS = 6
IN_SESSIONS = {"java", "kafka-python"}
"""librdkafka (and so kcat) and aiokafka ask for no session: each of their requests names all partitions."""


@dataclass
class Seen:
    """One Fetch: what was asked, what was answered (None as long as it waits), and the seconds between."""

    asked: Any
    begun_s: float
    answer: Any = None
    took_s: float = 0.0

    @property
    def named(self) -> int:
        return sum(len(topic.partitions) for topic in self.asked.topics)

    @property
    def told(self) -> int:
        return sum(len(topic.partitions) for topic in self.answer.responses)


class Between:
    """Passes bytes on, both ways, and keeps the fetches that pass."""

    def __init__(self) -> None:
        self.fetches: list[Seen] = []
        self.broker = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                host, port = self.broker.split(":")
                server = socket.create_connection((host, int(port)))
                waiting: dict[int, tuple[int, int, Seen]] = {}
                for source, target, look in ((client, server, self._asked), (server, client, self._answered)):
                    threading.Thread(
                        target=self._pass, args=(source, target, look, waiting), daemon=True
                    ).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, look: Any, waiting: Any) -> None:
        frames = Frames(1 << 30)
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(65536):
                for frame in frames.feed(data):
                    look(frame, waiting)
                target.sendall(data)

    def _asked(self, frame: memoryview, waiting: dict[int, tuple[int, int, Seen]]) -> None:
        key, version, number = peek(frame)
        if key == FETCH:
            seen = Seen(decode_request(decode_header(frame), frame), time.monotonic())
            waiting[number] = (key, version, seen)
            self.fetches.append(seen)

    @staticmethod
    def _answered(frame: memoryview, waiting: dict[int, tuple[int, int, Seen]]) -> None:
        found = waiting.pop(int.from_bytes(frame[:4], "big", signed=True), None)
        if found is not None:
            key, version, seen = found
            seen.answer, seen.took_s = (
                decode_response(key, version, frame)[1],
                time.monotonic() - seen.begun_s,
            )

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Between]:
    passing = Between()
    folder = tmp_path_factory.mktemp("between")
    with BrokerProcess(folder, words=("--advertised", passing.address)) as broker:
        passing.broker = broker.address
        yield passing
    passing.close()


def send(address: str, topic: str, values: list[str]) -> None:
    producer = Producer({"bootstrap.servers": address})
    for number, value in enumerate(values):
        producer.produce(topic, value, f"key-{number}", partition=2)
    assert producer.flush(20) == 0


def seen_of(driver: ClientDriver, between: Between, topic: str) -> list[Seen]:
    """What the client fetched while records came in three times, with pauses that are longer than it waits."""
    admin = AdminClient({"bootstrap.servers": between.address})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(10)
    send(between.address, topic, ["a", "b"])
    between.fetches.clear()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(driver.consume, between.address, topic, f"{topic}-group", 6)
        until_s = time.monotonic() + 30
        while not any(seen.answer for seen in between.fetches) and time.monotonic() < until_s:
            time.sleep(0.05)
        for values in (["c", "d"], ["e", "f"]):
            time.sleep(1.5)
            send(between.address, topic, values)
        assert sorted(reading.result()) == list("abcdef")
    return [seen for seen in between.fetches if seen.answer is not None]


@pytest.mark.parametrize(
    "driver",
    [
        pytest.param(one, id=one.name, marks=() if one.name in IN_SESSIONS else pytest.mark.slow)
        for one in DRIVERS
    ],
)
def test_clients_that_know_fetch_sessions_go_on_in_them(driver: ClientDriver, between: Between) -> None:
    if driver.missing():
        pytest.skip(driver.missing())
    seen = seen_of(driver, between, f"sessions-{driver.name}")
    assert {one.answer.error_code for one in seen} == {0}
    sessions = [one for one in seen if one.asked.session_epoch > 0]
    if driver.name not in IN_SESSIONS:
        assert not sessions and all(one.named for one in seen)
        return
    assert len(sessions) > len(seen) / 2, "most requests go on"
    assert all(one.answer.session_id == one.asked.session_id > 0 for one in sessions)
    quiet = [one for one in sessions if not one.told]
    assert any(one.took_s > one.asked.max_wait.total_seconds() * 0.9 for one in quiet), "it waits for news"
    assert any(not one.named for one in quiet), "it says nothing that the session knows"
    assert max(one.told for one in sessions if one.told) < PARTITIONS, "only what is new is told"
