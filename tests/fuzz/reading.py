"""Reads responses by their layouts into plain rows, to the last byte; apart from our writer and from kio's reader.

kio refuses values that Kafka sends (a start time of -1), and our own reader is not what a client has. Raises on anything
that is not whole.
"""

import struct
from typing import Any

from penstock.wire.kafka.codec import response_type
from penstock.wire.kafka.encode import CODES
from penstock.wire.kafka.shape import Shape, Slot, shape_of


class Reader:
    """A place in a frame."""

    def __init__(self, frame: bytes) -> None:
        self.frame, self.at = frame, 0

    def take(self, size: int) -> bytes:
        assert 0 <= size <= len(self.frame) - self.at, "the response is cut"
        self.at += size
        return self.frame[self.at - size : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(">" + code, self.take(struct.calcsize(">" + code)))[0]

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def length(self, flexible: bool, code: str) -> int:
        return self.uvarint() - 1 if flexible else int(self.number(code))

    def row(self, shape: Shape) -> dict[str, Any]:
        row = {slot.name: self.field(slot, shape.flexible) for slot in shape.plain}
        if shape.flexible:
            tagged = {slot.tag: slot for slot in shape.tagged}
            for _ in range(self.uvarint()):
                tag, end = self.uvarint(), self.uvarint() + self.at
                row[tagged[tag].name] = self.field(tagged[tag], True)
                assert self.at == end, "a tagged field has the size it says"
        return row

    def field(self, slot: Slot, flexible: bool) -> Any:
        if not slot.array:
            return self.value(slot, flexible, slot.nullable)
        count = self.length(flexible, "i")
        assert count >= (-1 if slot.nullable else 0), f"{slot.name} may not be null"
        return None if count < 0 else [self.value(slot, flexible, False) for _ in range(count)]

    def value(self, slot: Slot, flexible: bool, nullable: bool) -> Any:
        if slot.entity is not None:
            return None if nullable and self.number("b") < 0 else self.row(slot.entity)
        if slot.kind in CODES:
            return self.number(CODES[slot.kind])
        size = self.length(flexible, "h" if slot.kind == "string" else "i")
        assert size >= (-1 if nullable else 0), f"{slot.name} may not be null"
        data = None if size < 0 else self.take(size)
        return data.decode() if data is not None and slot.kind == "string" else data


def read_response(key: int, version: int, frame: bytes) -> dict[str, Any]:
    """The response of one frame without its length; the whole frame is used up."""
    message, reader = response_type(key, version), Reader(frame)
    reader.take(4)
    if message.__header_schema__.__version__ == 1:
        assert reader.uvarint() == 0
    row = reader.row(shape_of(message))
    assert reader.at == len(frame), f"{len(frame) - reader.at} bytes are left over"
    return row


def codes(row: Any) -> list[int]:
    """Every error code in a response, however deep."""
    if isinstance(row, list):
        return [code for one in row for code in codes(one)]
    if not isinstance(row, dict):
        return []
    own = [row["error_code"]] if "error_code" in row else []
    return own + [code for value in row.values() for code in codes(value)]
