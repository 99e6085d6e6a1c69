"""A bare Kafka connection for scenarios: requests from plain values, answers as plain values.

No retry, no metadata, no opinion: what the server says is what the scenario sees.
"""

import dataclasses
import datetime
import enum
import socket
import struct
import time
import typing
from typing import Any

from penstock import record
from penstock.wire.kafka.codec import decode_response, encode_request, request_type

VOLATILE = {
    "throttle_time", "topic_id", "cluster_id", "host", "port", "error_message", "log_append_time", "error_code_message",
    "current_leader", "node_endpoints", "leader_epoch", "current_leader_epoch", "brokers", "finalized_features",
}  # fmt: skip
"""What differs from server to server without meaning; a scenario looks at such a field itself where it matters."""

ZERO: dict[str, Any] = {"string": "", "bytes": b"", "records": b"", "bool": False, "uuid": None}


class Connection:
    """One connection. A closed one answers None."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.number = 0

    def ask(self, api_key: int, version: int, **values: Any) -> Any:
        """Send one request and wait for its answer, as plain values without the volatile fields."""
        self.number += 1
        message = make(request_type(api_key, version), values)
        self.socket.sendall(encode_request(api_key, version, self.number, "differential", message))
        frame = self.receive()
        return None if frame is None else plain(decode_response(api_key, version, frame)[1])

    def send(self, data: bytes) -> bytes | None:
        """Send bytes as they are; the next frame, or None where the server closes."""
        try:
            self.socket.sendall(data)
        except OSError:
            return None
        return self.receive()

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
        """Close it."""
        self.socket.close()


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
    made = connection.ask(19, 5, topics=topics, timeout=5000, validate_only=False)["topics"][0]
    if made["error_code"] == 0:
        for index in range(max(partitions, 1)):
            _led(connection, topic, index)
    return made


def _led(connection: Connection, topic: str, partition: int) -> None:
    """Wait until the partition answers."""
    parts = [{"partition_index": partition, "current_leader_epoch": -1, "timestamp": -1}]
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        answer = connection.ask(
            2, 7, replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": parts}]
        )
        if answer["topics"][0]["partitions"][0]["error_code"] == 0:
            return
        time.sleep(0.02)


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
