"""A bare Kafka connection for scenarios: requests from plain values, answers as plain values.

No retry, no metadata, no opinion: what the server says is what the scenario sees.
"""

import contextlib
import dataclasses
import datetime
import enum
import socket
import struct
import time
import typing
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from penstock import record
from penstock.wire.kafka.codec import decode_response, encode_request, request_type
from penstock.wire.kafka.cursor import Cursor

VOLATILE = {
    "throttle_time", "topic_id", "cluster_id", "host", "port", "error_message", "log_append_time", "error_code_message",
    "current_leader", "node_endpoints", "leader_epoch", "current_leader_epoch", "brokers", "finalized_features",
}  # fmt: skip
"""What differs from server to server without meaning; a scenario looks at such a field itself where it matters."""

ZERO: dict[str, Any] = {"string": "", "bytes": b"", "records": b"", "bool": False, "uuid": None}


class Hears(Protocol):
    """Who is told of every exchange (`watching.Listener`)."""

    def begun(self, api_key: int, values: dict[str, Any]) -> None: ...
    def heard(self, api_key: int, values: dict[str, Any], answer: Any, took_s: float = 0) -> None: ...
    def heard_raw(self, data: bytes, frame: bytes | None) -> None: ...
    def group(self, name: str) -> str: ...
    def transaction(self, name: str) -> str: ...


class Connection:
    """One connection. A closed one answers None."""

    def __init__(self, address: str, listener: Hears | None = None) -> None:
        host, _, port = address.rpartition(":")
        self.address, self.listener = address, listener
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.number = 0
        self.begun: list[tuple[int, int, dict[str, Any], float]] = []
        self.others: list[Connection] = []

    def other(self) -> "Connection":
        """One more connection of the same scenario; closed with this one."""
        self.others.append(Connection(self.address, self.listener))
        return self.others[-1]

    def ask(self, api_key: int, version: int, **values: Any) -> Any:
        """Send one request and wait for its answer, as plain values without the volatile fields."""
        self.begin(api_key, version, **values)
        return self.take()

    def ask_until(self, done: Callable[[Any], bool], api_key: int, version: int, **values: Any) -> Any:
        """Ask again, as clients do, until the answer is what is waited for; only that one is listened to."""
        until_s = time.monotonic() + 20
        while True:
            self.begin(api_key, version, **values)
            answer = self._take()
            if done(answer):
                self._tell(api_key, values, answer, 0)
                return answer
            assert time.monotonic() < until_s, f"API {api_key} never came to its end: {answer}"
            time.sleep(0.03)

    def begin(self, api_key: int, version: int, **values: Any) -> None:
        """Send one request; `take` waits for its answer."""
        self.number += 1
        message = make(request_type(api_key, version), values)
        self.socket.sendall(encode_request(api_key, version, self.number, "differential", message))
        self.begun.append((api_key, version, values, time.monotonic()))
        if self.listener is not None:
            self.listener.begun(api_key, values)

    def take(self) -> Any:
        """The answer to the earliest request that has none."""
        api_key, _, values, began_s = self.begun[0]
        answer = self._take()
        self._tell(api_key, values, answer, time.monotonic() - began_s)
        return answer

    def _take(self) -> Any:
        api_key, version, *_ = self.begun.pop(0)
        frame = self.receive()
        return None if frame is None else plain(decode_response(api_key, version, frame)[1])

    def _tell(self, api_key: int, values: dict[str, Any], answer: Any, took_s: float) -> None:
        if self.listener is not None:
            self.listener.heard(api_key, values, answer, took_s)

    def ask_whole(self, api_key: int, version: int, **values: Any) -> Any:
        """As `ask`, but the answer is kio's, with all its fields."""
        self.begin(api_key, version, **values)
        self.begun.pop()
        frame = self.receive()
        assert frame is not None
        answer = decode_response(api_key, version, frame)[1]
        self._tell(api_key, values, plain(answer), 0)
        return answer

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """What is asked within is only waited for: how often, and what is seen before the end, is chance."""
        listener, self.listener = self.listener, None
        try:
            yield
        finally:
            self.listener = listener

    def until_group(self, name: str, state: str) -> str:
        """Wait until the group is in a state; the state."""
        assert self.listener is not None
        until_s = time.monotonic() + 20
        while (now := self.listener.group(name)) != state and time.monotonic() < until_s:
            time.sleep(0.02)
        return now

    def send(self, data: bytes) -> bytes | None:
        """Send bytes as they are; the next frame, or None where the server closes."""
        frame = None
        with contextlib.suppress(OSError):
            self.socket.sendall(data)
            frame = self.receive()
        if self.listener is not None:
            self.listener.heard_raw(data, frame)
        return frame

    def receive(self) -> bytes | None:
        """One frame without its length; None when the connection is closed."""
        head = self._exactly(4)
        return None if head is None else self._exactly(struct.unpack(">i", head)[0])

    def _exactly(self, count: int) -> bytes | None:
        found = b""
        while len(found) < count:
            try:
                more = self.socket.recv(count - len(found))
            except ConnectionError:
                return None
            if not more:
                return None
            found += more
        return found

    def close(self) -> None:
        """Close it, and the others."""
        for each in (*self.others, self):
            each.socket.close()


def make(kind: type, values: dict[str, Any]) -> Any:
    """A kio message from nested dicts; fields that are not given get their default, or nothing of their kind."""
    hints = typing.get_type_hints(kind)
    filled = {}
    for field in dataclasses.fields(kind):
        if field.name in values:
            filled[field.name] = _value(
                hints[field.name], values[field.name], field.metadata.get("kafka_type", "")
            )
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            kafka_type = field.metadata.get("kafka_type", "")
            nothing = () if not kafka_type else ZERO.get(kafka_type, 0)
            filled[field.name] = datetime.timedelta() if kafka_type.startswith("timedelta") else nothing
    assert not set(values) - {f.name for f in dataclasses.fields(kind)}, f"{kind}: {values}"
    return kind(**filled)


def _value(hint: Any, value: Any, kafka_type: str) -> Any:
    if kafka_type.startswith("timedelta"):
        return datetime.timedelta(milliseconds=value)
    if isinstance(value, list | tuple):
        inner = next((a for a in _arguments(hint) if dataclasses.is_dataclass(a)), None)
        return tuple(
            make(inner, each) if inner is not None and isinstance(each, dict) else each for each in value
        )
    return value


def _arguments(hint: Any) -> list[Any]:
    found = []
    for argument in typing.get_args(hint):
        found += [argument, *_arguments(argument)]
    return found


def plain(value: Any) -> Any:
    """Nested dicts and lists of plain values, the volatile fields left out."""
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value) if f.name not in VOLATILE]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, datetime.datetime | datetime.timedelta):
        return "a time"
    return value


def batch(
    *values: bytes, producer_id: int = -1, epoch: int = -1, sequence: int = -1, at_ms: int = 1_700_000_000_000
) -> bytes:
    """A record batch of some values, a millisecond apart."""
    records = [record.Record(None, value, at_ms + number, ()) for number, value in enumerate(values)]
    return record.encode(records, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)


def produce(connection: Connection, topic: str, records: bytes, partition: int = 0, acks: int = -1) -> Any:
    """Produce v9 of one partition; its part of the answer."""
    data = [{"name": topic, "partition_data": [{"index": partition, "records": records}]}]
    answer = connection.ask(0, 9, acks=acks, timeout=5000, topic_data=data)
    part = answer and answer["responses"][0]["partition_responses"][0]
    if part and part["error_code"]:
        del part[
            "log_start_offset"
        ]  # Kafka tells it with some refusals, and -1 with others; no client reads it
    return part


def warm(address: str) -> None:
    """Wait until groups and producers are served: a fresh Kafka makes its internal topics first."""
    connection = Connection(address)
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        made = connection.ask(
            22, 4, transactional_id=None, transaction_timeout=1000, producer_id=-1, producer_epoch=-1
        )
        connection.ask(10, 2, key="warm", key_type=0)
        connection.ask(10, 2, key="warm", key_type=1)
        begun = connection.ask(
            22, 4, transactional_id="warm", transaction_timeout=1000, producer_id=-1, producer_epoch=-1
        )
        found = connection.ask(9, 7, group_id="warm", topics=None, require_stable=False)
        if made["error_code"] == begun["error_code"] == found["error_code"] == 0:
            return
        time.sleep(0.2)
    raise AssertionError(f"{address} does not serve groups")


def create(connection: Connection, topic: str, partitions: int = 1, replicas: int = 1, **configs: str) -> Any:
    """CreateTopics v5 of one topic, and a wait until it has its leader; its part of the answer."""
    settings = [{"name": name.replace("_", "."), "value": value} for name, value in configs.items()]
    topics = [
        {"name": topic, "num_partitions": partitions, "replication_factor": replicas, "configs": settings}
    ]
    made = connection.ask(19, 5, topics=topics, timeout=15_000, validate_only=False)["topics"][0]
    if made["error_code"] == 0:
        for index in range(max(partitions, 1)):
            _led(connection, topic, index)
    return made


def _led(connection: Connection, topic: str, partition: int) -> None:
    """Wait until the partition answers."""
    parts = [{"partition_index": partition, "current_leader_epoch": -1, "timestamp": -1}]
    connection.ask_until(
        lambda answer: answer["topics"][0]["partitions"][0]["error_code"] == 0,
        2, 7, replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": parts}],
    )  # fmt: skip


def fetch(connection: Connection, topic: str, offset: int, partition: int = 0) -> Any:
    """Fetch v11 of one partition without waiting long; its part of the answer, records decoded."""
    parts = [
        {
            "partition": partition,
            "fetch_offset": offset,
            "partition_max_bytes": 1 << 20,
            "current_leader_epoch": -1,
        }
    ]
    answer = connection.ask(
        1, 11, replica_id=-1, max_wait=100, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0,
        session_epoch=-1, topics=[{"topic": topic, "partitions": parts}], forgotten_topics_data=[], rack_id="",
    )  # fmt: skip
    part = answer["responses"][0]["partitions"][0]
    data = part.pop("records") or b""
    part["values"] = [
        (found.offset, found.value)
        for info in record.scan(data)
        for found in record.decode(data[info.position : info.position + info.size])
        if found.offset >= offset
    ]
    return part


def described(c: Connection, *names: str) -> Any:
    """DescribeTransactions, read by hand: kio knows no time of -1."""
    request = make(request_type(65, 0), {"transactional_ids": names})
    c.socket.sendall(encode_request(65, 0, 1, "differential", request))
    frame = c.receive()
    assert frame is not None
    cursor = Cursor(memoryview(frame), 9, True, 1000)
    found = [_state(cursor) for _ in range(cursor.count())]
    if c.listener is not None:
        c.listener.heard(65, {}, [{"error_code": each["error"]} for each in found])
    return found


def _state(cursor: Cursor) -> Any:
    found = {
        "error": cursor.int16(),
        "name": cursor.string(),
        "state": cursor.string(),
        "timeout": cursor.int32(),
    }
    found |= {
        "started": _long(cursor) > 0,
        "producer_id": _long(cursor),
        "epoch": cursor.int16(),
        "parts": [],
    }
    for _ in range(cursor.count()):
        topic = cursor.string()
        found["parts"] += [(topic, cursor.int32()) for _ in range(cursor.count())]
        cursor.tags()
    cursor.tags()
    found["parts"].sort()
    return found


def _long(cursor: Cursor) -> int:
    return (cursor.int32() << 32) | (cursor.int32() & 0xFFFFFFFF)
