"""Kafka requests and responses by name: which versions this client speaks, plain rows in, typed answers out.

Knows which API is which number; the bytes are `wire.kafka`'s. Knows nothing of connections.
"""

import struct
from collections.abc import Mapping
from typing import Any

from penstock.calls import Bytes
from penstock.wire.kafka.codec import decode_response, request_type
from penstock.wire.kafka.encode import Buffers, write
from penstock.wire.kafka.guard import MalformedError

# api: key, lowest and highest version this client speaks. Kafka 2.1 and newer all share one of them with it;
# Fetch to 11 is what `fetching.py` reads. Produce 12 would add a transaction's partitions by itself, which goes with
# EndTxn 5 alone (KIP-890), and so with none of Kafka before 4.0: transactions are spoken as before.
SPOKEN: dict[str, tuple[int, int, int]] = {
    "Produce": (0, 3, 11),
    "Fetch": (1, 4, 11),
    "ListOffsets": (2, 1, 7),
    "Metadata": (3, 4, 12),
    "OffsetCommit": (8, 2, 8),
    "OffsetFetch": (9, 2, 7),
    "FindCoordinator": (10, 1, 3),
    "JoinGroup": (11, 2, 5),
    "Heartbeat": (12, 0, 3),
    "LeaveGroup": (13, 0, 2),
    "SyncGroup": (14, 0, 3),
    "DescribeGroups": (15, 0, 5),
    "ListGroups": (16, 0, 4),
    "SaslHandshake": (17, 1, 1),
    "ApiVersions": (18, 0, 3),
    "CreateTopics": (19, 2, 5),
    "DeleteTopics": (20, 1, 5),
    "DeleteRecords": (21, 0, 2),
    "InitProducerId": (22, 0, 4),
    "AddPartitionsToTxn": (24, 0, 3),
    "AddOffsetsToTxn": (25, 0, 3),
    "EndTxn": (26, 0, 3),
    "TxnOffsetCommit": (28, 0, 3),
    "DescribeConfigs": (32, 1, 4),
    "DescribeLogDirs": (35, 1, 4),
    "CreatePartitions": (37, 0, 3),
    "DeleteGroups": (42, 0, 2),
    "IncrementalAlterConfigs": (44, 0, 1),
    "SaslAuthenticate": (36, 0, 2),
}
NAMES = {key: name for name, (key, _, _) in SPOKEN.items()}


def encode(
    api: str, version: int, correlation_id: int, client_id: str, row: Mapping[str, Any]
) -> list[Bytes]:
    """A request, length prefix included, as buffers; large byte fields by reference.

    `row` holds wire values by field name; what `version` does not have is left out.
    """
    key = SPOKEN[api][0]
    message = request_type(key, version)
    name = client_id.encode()
    buffers = Buffers()
    buffers.tail += b"\0\0\0\0" + struct.pack(">hhih", key, version, correlation_id, len(name)) + name
    if message.__header_schema__.__version__ == 2:
        buffers.tail.append(0)
    write(message, row, buffers)
    out = buffers.all()
    struct.pack_into(">i", out[0], 0, sum(map(len, out)) - 4)
    return out


def decode(api: str, version: int, frame: memoryview) -> Any:
    """A response's body as kio's dataclass; `frame` starts with the correlation id. Raises ValueError on damage."""
    try:
        return decode_response(SPOKEN[api][0], version, frame.toreadonly())[1]
    except MalformedError as error:
        raise ValueError(f"a damaged {api} response: {error}") from error
