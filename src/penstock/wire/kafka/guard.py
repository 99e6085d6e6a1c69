"""Walks a message before kio reads it, so that no announced length is believed.

kio's native reader allocates an array for its announced length before it reads an element: twenty bytes that announce
2^31 elements abort the whole process. The walk checks every length against what is there and counts the elements, so
that a large request cannot blow up into objects. Knows layouts; builds nothing.
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
Budget: TypeAlias = list[int]
Walk: TypeAlias = Callable[[memoryview, int, Budget], int]

_I16: Final = struct.Struct(">h")
_I32: Final = struct.Struct(">i")


class MalformedError(ValueError):
    """The bytes are not the message they claim to be."""


def check(message: type, data: memoryview, position: int, elements_max: int) -> None:
    """Raise `MalformedError` unless the bytes from `position` on hold a `message`, whole and not too rich in elements.

    Bytes after the message are let be, as Kafka does.
    """
    try:
        end = _walker(shape_of(message))(data, position, [elements_max])
    except (IndexError, struct.error):
        raise MalformedError(f"{message.__name__} is cut short") from None
    if end > len(data):
        raise MalformedError(f"{message.__name__} is cut short")


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


@cache
def _walker(shape: Shape) -> Walk:
    steps = _steps(shape)
    tags = {slot.tag: _walk_slot(slot, True) for slot in shape.tagged if slot.tag is not None}
    if not shape.flexible and len(steps) == 1:
        return steps[0]

    def walk(data: memoryview, position: int, budget: Budget) -> int:
        for step in steps:
            position = step(data, position, budget)
        return _walk_tags(tags, data, position, budget) if shape.flexible else position

    return walk


def _walk_tags(tags: dict[int, Walk], data: memoryview, position: int, budget: Budget) -> int:
    count, position = uvarint(data, position)
    for _ in range(count):
        tag, position = uvarint(data, position)
        size, position = uvarint(data, position)
        end = position + size
        if end > len(data):
            raise MalformedError("a tagged field is longer than the message")
        if tag in tags and tags[tag](data[:end], position, budget) != end:
            raise MalformedError("a tagged field's size is not that of its value")
        position = end
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
    return lambda data, position, budget: position + size


def _walk_slot(slot: Slot, flexible: bool) -> Walk:
    if slot.array:
        return _walk_array(slot, flexible)
    if slot.entity is not None:
        return _walk_entity(slot.entity, slot.nullable)
    if slot.kind in FIXED:
        return _skip(FIXED[slot.kind])
    width = 0 if flexible else 2 if slot.kind == "string" else 4
    nullable = slot.nullable

    def walk(data: memoryview, position: int, budget: Budget) -> int:
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

    def walk(data: memoryview, position: int, budget: Budget) -> int:
        # KIP-893: a nullable struct has a marker byte, negative for null.
        return position + 1 if data[position] >= 0x80 else inner(data, position + 1, budget)

    return walk


def _walk_array(slot: Slot, flexible: bool) -> Walk:
    width = 0 if flexible else 4
    size = _fixed_size(slot)
    step = _walk_entity(slot.entity, False) if slot.entity else _walk_slot(_element(slot), flexible)

    def walk(data: memoryview, position: int, budget: Budget) -> int:
        count, position = _length(data, position, width)
        if count < 0 and not slot.nullable:
            raise MalformedError(f"{slot.name} may not be null")
        budget[0] -= max(count, 0)
        if budget[0] < 0:
            raise MalformedError("the message has more elements than are accepted")
        if size:
            return position + size * max(count, 0)
        for _ in range(count):
            position = step(data, position, budget)
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
