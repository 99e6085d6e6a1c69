"""Scenarios of what is too much, or cannot be understood: what a client still hears of it."""

import struct
from typing import Any

from penstock.wire.kafka.codec import encode_request, request_type
from tests.differential.asking import Connection, batch, create, make


def an_assignment_that_is_too_large_is_refused(c: Connection, group: str) -> Any:
    """Kafka writes a group as one record, which has to fit its topic."""
    asked: dict[str, Any] = {
        "group_id": group, "session_timeout": 10_000, "rebalance_timeout": 10_000, "protocol_type": "consumer",
        "group_instance_id": None, "protocols": [{"name": "range", "metadata": b"m"}],
    }  # fmt: skip
    member = c.ask(11, 5, member_id="", **asked)["member_id"]
    seen = []
    for size in (1_000_000, 1_100_000, 1_000):
        joined = c.ask(11, 5, member_id=member, **asked)
        who = {"group_id": group, "member_id": member, "generation_id": joined["generation_id"]}
        given = [{"member_id": member, "assignment": bytes(size)}]
        synced = c.ask(14, 3, group_instance_id=None, assignments=given, **who)
        beat = c.ask(12, 3, group_instance_id=None, **who)
        seen += [joined["generation_id"], synced["error_code"], len(synced["assignment"]), beat]
    return seen


def what_came_before_a_malformed_request_is_answered(c: Connection, topic: str) -> Any:
    create(c, topic)
    seen = []
    for bad in (
        b"\xff\xff\xff\xff",
        struct.pack(">ihhi", 8, 999, 0, 9),
        struct.pack(">ihhih", 10, 3, 9, 9, -1),
    ):
        other = c.other()
        for number in (1, 2):
            data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"v")}]}]
            message = make(request_type(0, 9), {"acks": -1, "timeout": 5000, "topic_data": data})
            other.socket.sendall(encode_request(0, 9, number, "differential", message))
        other.socket.sendall(bad + encode_request(0, 9, 3, "differential", message))
        frames = [other.receive() for _ in range(3)]
        seen.append([None if frame is None else struct.unpack_from(">i", frame) for frame in frames])
    return seen


LIMITS = (an_assignment_that_is_too_large_is_refused, what_came_before_a_malformed_request_is_answered)
