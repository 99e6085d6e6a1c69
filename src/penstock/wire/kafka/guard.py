"""Walks a message before kio reads it, so that no announced length is believed.

kio's native reader allocates an array for its announced length before it reads an element: twenty bytes that announce
2^31 elements abort the whole process. The walk checks every length against what is there and counts the elements, so
that a large request cannot blow up into objects. kio also fails on tagged fields that it does not know, which KIP-482
wants passed over: the walk cuts them out. Knows layouts; builds no objects.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from penstock.wire.kafka.shape import Shape, Slot, shape_of

FIXED: Final = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
    "uuid": 16,
}


class MalformedError(ValueError):
    """The bytes are not the message they claim to be."""


class Pass:
    """One walk over a message: how many array elements it may still have, and what is to be cut out of it."""

    __slots__ = ("cuts", "elements_left")

    def __init__(self, elements_max: int) -> None:
        self.elements_left = elements_max
        self.cuts: list[tuple[int, int, bytes]] = []

    def without_cuts(self, data: memoryview, start: int, end: int, since: int = 0) -> bytes:
        """The bytes from `start` to `end` with the cuts from number `since` on made, and forgotten."""
        parts: list[bytes | memoryview] = []
        for cut_from, cut_to, instead in self.cuts[since:]:
            parts += [data[start:cut_from], instead]
            start = cut_to
        del self.cuts[since:]
        return b"".join([*parts, data[start:end]])


Walk: TypeAlias = Callable[[memoryview, int, Pass], int]

_I16: Final = struct.Struct(">h")
_I32: Final = struct.Struct(">i")


def readable(message: type, data: memoryview, position: int, elements_max: int) -> memoryview:
    """The bytes from `position` on as kio can read them, unknown tagged fields left out.

    Raises `MalformedError` unless they hold a `message`, whole and not too rich in elements. Bytes after the message
    are let be, as Kafka does.
    """
    walked = Pass(elements_max)
    try:
        end = _walker(shape_of(message))(data, position, walked)
    except (IndexError, struct.error):
        raise MalformedError(f"{message.__name__} is cut short") from None
    if end > len(data):
        raise MalformedError(f"{message.__name__} is cut short")
    if walked.cuts:
        return memoryview(walked.without_cuts(data, position, end))
    return data[position:].toreadonly()  # kio takes no other


def uvarint(data: memoryview, position: int) -> tuple[int, int]:
    """An unsigned varint of up to 32 bits and the position after it; raises IndexError where the bytes end."""
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    value, shift = byte & 0x7F, 7
    while shift < 35:
        position += 1
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
        shift += 7
    raise MalformedError("a varint is longer than five bytes")


def put_uvarint(value: int) -> bytes:
    """An unsigned varint as bytes."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@cache
def _walker(shape: Shape) -> Walk:
    steps = _steps(shape)
    tags = {slot.tag: _walk_slot(slot, True) for slot in shape.tagged if slot.tag is not None}
    if not shape.flexible and len(steps) == 1:
        return steps[0]

    def walk(data: memoryview, position: int, walked: Pass) -> int:
        for step in steps:
            position = step(data, position, walked)
        return _walk_tags(tags, data, position, walked) if shape.flexible else position

    return walk


def _walk_tags(tags: dict[int, Walk], data: memoryview, position: int, walked: Pass) -> int:
    start, kept, whole = position, bytearray(), True
    count, position = uvarint(data, position)
    known = 0
    for _ in range(count):
        tag_at = position
        tag, position = uvarint(data, position)
        size_at = position
        size, position = uvarint(data, position)
        end = position + size
        if end > len(data):
            raise MalformedError("a tagged field is longer than the message")
        if tag in tags:
            cuts = len(walked.cuts)
            if tags[tag](data[:end], position, walked) != end:
                raise MalformedError("a tagged field's size is not that of its value")
            whole = whole and cuts == len(walked.cuts)
            value = walked.without_cuts(data, position, end, cuts)
            kept += bytes(data[tag_at:size_at]) + put_uvarint(len(value)) + value
            known += 1
        position = end
    if known < count or not whole:
        walked.cuts.append((start, position, put_uvarint(known) + kept))
    return position


def _steps(shape: Shape) -> list[Walk]:
    """One step a field, with neighbouring fields of fixed size taken together."""
    steps: list[Walk] = []
    size = 0
    for slot in shape.plain:
        if slot.kind in FIXED and not slot.array:
            size += FIXED[slot.kind]
            continue
        if size:
            steps.append(_skip(size))
        size = 0
        steps.append(_walk_slot(slot, shape.flexible))
    return [*steps, _skip(size)] if size or not steps else steps


def _skip(size: int) -> Walk:
    return lambda data, position, walked: position + size


def _walk_slot(slot: Slot, flexible: bool) -> Walk:
    if slot.array:
        return _walk_array(slot, flexible)
    if slot.entity is not None:
        return _walk_entity(slot.entity, slot.nullable)
    if slot.kind in FIXED:
        return _skip(FIXED[slot.kind])
    width = 0 if flexible else 2 if slot.kind == "string" else 4
    nullable = slot.nullable

    def walk(data: memoryview, position: int, walked: Pass) -> int:
        size, position = _length(data, position, width)
        if size < 0:
            if not nullable:
                raise MalformedError(f"{slot.name} may not be null")
            return position
        return position + size

    return walk


def _length(data: memoryview, position: int, width: int) -> tuple[int, int]:
    """A length and the position after it, -1 for null; `width` 0 means a compact one (a varint of length + 1)."""
    if width == 0:
        size, position = uvarint(data, position)
        size -= 1
    elif width == 2:
        size, position = _I16.unpack_from(data, position)[0], position + 2
    else:
        size, position = _I32.unpack_from(data, position)[0], position + 4
    if size < -1 or size > len(data) - position:
        raise MalformedError("a length goes past the end of the message")
    return size, position


def _walk_entity(shape: Shape, nullable: bool) -> Walk:
    inner = _walker(shape)
    if not nullable:
        return inner

    def walk(data: memoryview, position: int, walked: Pass) -> int:
        # KIP-893: a nullable struct has a marker byte, negative for null.
        return position + 1 if data[position] >= 0x80 else inner(data, position + 1, walked)

    return walk


def _walk_array(slot: Slot, flexible: bool) -> Walk:
    width = 0 if flexible else 4
    size = _fixed_size(slot)
    step = _walk_entity(slot.entity, False) if slot.entity else _walk_slot(_element(slot), flexible)

    def walk(data: memoryview, position: int, walked: Pass) -> int:
        count, position = _length(data, position, width)
        if count < 0 and not slot.nullable:
            raise MalformedError(f"{slot.name} may not be null")
        walked.elements_left -= max(count, 0)
        if walked.elements_left < 0:
            raise MalformedError("the message has more elements than are accepted")
        if size:
            return position + size * max(count, 0)
        for _ in range(count):
            position = step(data, position, walked)
        return position

    return walk


def _element(slot: Slot) -> Slot:
    return Slot(slot.name, slot.kind, False, False, None, None, slot.entity)


def _fixed_size(slot: Slot) -> int:
    """The bytes of one element where all are alike, else 0."""
    if slot.entity is None:
        return FIXED.get(slot.kind, 0)
    if slot.entity.flexible or any(s.array or s.kind not in FIXED for s in slot.entity.plain):
        return 0
    return sum(FIXED[s.kind] for s in slot.entity.plain)
