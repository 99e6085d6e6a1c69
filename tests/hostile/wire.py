"""Kafka's wire format by hand, for attackers (who need it wrong) and their neighbours (who need it fast).

Knows bytes and blocking sockets; uses nothing of penstock's own gateway, so that both cannot be wrong alike.
"""

import itertools
import socket
import struct
import time
import zlib

from google_crc32c import value as crc32c

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH = 0, 1, 2, 3, 8, 9
JOIN_GROUP, DESCRIBE_GROUPS, API_VERSIONS, CREATE_TOPICS, DESCRIBE_CONFIGS = 11, 15, 18, 19, 32
_numbers = itertools.count(1)


def text(value: str | None) -> bytes:
    """A (nullable) string as before the flexible versions."""
    data = (value or "").encode()
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(data)) + data


def blob(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def compact(data: bytes) -> bytes:
    """A string or bytes of the flexible versions."""
    return uvarint(len(data) + 1) + data


def array(items: list[bytes]) -> bytes:
    return struct.pack(">i", len(items)) + b"".join(items)


def frame(key: int, version: int, body: bytes, flexible: bool = False) -> bytes:
    """A whole request; `flexible` is for headers of version 2."""
    head = struct.pack(">hhi", key, version, next(_numbers)) + text("hostile") + (b"\0" if flexible else b"")
    return blob(head + body)


# --- requests ---------------------------------------------------------------------------------------------------


def produce(topic: str, batches: bytes, acks: int = -1, partition: int = 0) -> bytes:
    one = array([struct.pack(">i", partition) + blob(batches)])
    return frame(PRODUCE, 3, text(None) + struct.pack(">hi", acks, 30_000) + array([text(topic) + one]))


def fetch(
    topic: str, offset: int, *, wait_ms: int = 0, least: int = 1, most: int = 50 << 20, parts: int = 1,
    part_most: int = 50 << 20,
) -> bytes:  # fmt: skip
    """Fetch v4 of `parts` times partition 0."""
    part = struct.pack(">iqi", 0, offset, part_most)
    asked = text(topic) + struct.pack(">i", parts) + part * parts
    return frame(FETCH, 4, struct.pack(">iiiib", -1, wait_ms, least, most, 0) + array([asked]))


def metadata(topics: list[str] | None, create: bool = True) -> bytes:
    """Metadata v4; None means all topics."""
    names = struct.pack(">i", -1) if topics is None else array([text(t) for t in topics])
    return frame(METADATA, 4, names + struct.pack(">?", create))


def create_topic(name: str, configs: dict[str, str] | None = None, partitions: int = 1) -> bytes:
    settings = array([text(k) + text(v) for k, v in (configs or {}).items()])
    one = text(name) + struct.pack(">ih", partitions, 1) + array([]) + settings
    return frame(CREATE_TOPICS, 2, array([one]) + struct.pack(">i?", 30_000, False))


def list_offsets(topic: str, timestamp_ms: int, parts: int = 1) -> bytes:
    part = struct.pack(">iq", 0, timestamp_ms)
    asked = text(topic) + struct.pack(">i", parts) + part * parts
    return frame(LIST_OFFSETS, 1, struct.pack(">i", -1) + array([asked]))


def join_group(
    group: str, protocols: list[tuple[str, bytes]], member: str = "", session_ms: int = 10_000
) -> bytes:
    offered = array([text(name) + blob(data) for name, data in protocols])
    body = (
        text(group) + struct.pack(">ii", session_ms, session_ms) + text(member) + text("consumer") + offered
    )
    return frame(JOIN_GROUP, 3, body)


def commit(group: str, topic: str, note: str = "") -> bytes:
    """OffsetCommit v2 for a group without members."""
    part = array([struct.pack(">iq", 0, 1) + text(note)])
    body = text(group) + struct.pack(">i", -1) + text("") + struct.pack(">q", -1)
    return frame(OFFSET_COMMIT, 2, body + array([text(topic) + part]))


# --- record batches ---------------------------------------------------------------------------------------------


def zigzag(value: int) -> bytes:
    return uvarint((value << 1) ^ (value >> 63))


def record(value: bytes, key: bytes | None = None, delta: int = 0, after_ms: int = 0) -> bytes:
    named = zigzag(-1) if key is None else zigzag(len(key)) + key
    body = b"\0" + zigzag(after_ms) + zigzag(delta) + named + zigzag(len(value)) + value + b"\0"
    return zigzag(len(body)) + body


def batch(records: bytes, count: int, codec: int = 0, *, at_ms: int = 0, max_ms: int | None = None) -> bytes:
    """A batch of version 2 with a right checksum, whatever stands in it."""
    at_ms = at_ms or int(time.time() * 1000)
    covered = struct.pack(">hiqqqhii", codec, count - 1, at_ms, max_ms or at_ms, -1, -1, -1, count) + records
    return struct.pack(">qiibI", 0, len(covered) + 9, 0, 2, crc32c(covered)) + covered


def one_record(value: bytes) -> bytes:
    return batch(record(value), 1)


def gzipped(pattern: bytes, times: int, ending: bytes = b"") -> bytes:
    """`pattern` repeated, as gzip, without ever holding it."""
    packer = zlib.compressobj(9, wbits=31)
    piece = pattern * max(1, (1 << 20) // len(pattern))
    whole, rest = divmod(len(pattern) * times, len(piece))
    out = b"".join([packer.compress(piece) for _ in range(whole)])
    return out + packer.compress(piece[:rest] + ending) + packer.flush()


# --- connections ------------------------------------------------------------------------------------------------


class Line:
    """One blocking connection."""

    def __init__(self, address: str, seconds: float = 10.0, receive_bytes: int = 0) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.socket()
        self.socket.settimeout(seconds)
        if receive_bytes:  # set before connecting, so that the window is small from the start
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def push(self, data: bytes, seconds: float) -> int:
        """Send as much as is taken within so many seconds; how much that was."""
        self.socket.settimeout(seconds)
        view, done = memoryview(data), 0
        end_s = time.monotonic() + seconds
        try:
            while done < len(view) and time.monotonic() < end_s:
                done += self.socket.send(view[done : done + (1 << 20)])
        except (TimeoutError, ConnectionError):
            pass
        return done

    def receive(self) -> bytes:
        """The next response, without its length; raises EOFError where the server hung up."""
        return self._exactly(struct.unpack(">i", self._exactly(4))[0])

    def ask(self, request: bytes) -> bytes:
        """The response, from behind the correlation id on."""
        self.send(request)
        return self.receive()[4:]

    def _exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            part = self.socket.recv(min(count, 1 << 20))
            if not part:
                raise EOFError("the server closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def closed(self, seconds: float = 5.0) -> bool:
        """Whether the server hangs up within so many seconds; what it sends before that is thrown away."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 20):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
