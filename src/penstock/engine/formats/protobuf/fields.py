"""Which field of which message each column is, and the kernels' tables of them.

Source: Flink's PbSchemaValidationUtils. Knows nothing of records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penstock.engine.formats.protobuf.schema import MessageField, parse
from penstock.engine.formats.protobuf.schema import Schema as Messages
from penstock.engine.functions import kinds
from penstock.engine.kernels.decode import protobuf
from penstock.engine.types import Column, Schema, element, is_array, is_row, row_fields
from penstock.errors import PenstockError

_SCHEMA_BYTES_MAX = 1024 * 1024
_INTS = {
    "int32": protobuf.VARINT32, "uint32": protobuf.VARINT32, "enum": protobuf.VARINT32, "sint32": protobuf.ZIGZAG32,
    "fixed32": protobuf.FIXED32, "sfixed32": protobuf.FIXED32,
}  # fmt: skip
_LONGS = {
    "int64": protobuf.VARINT64, "uint64": protobuf.VARINT64, "sint64": protobuf.ZIGZAG64, "fixed64": protobuf.FIXED64,
    "sfixed64": protobuf.FIXED64,
}  # fmt: skip
_TYPES: dict[str, dict[str, int]] = {
    "INT": _INTS, "BIGINT": _LONGS, "BOOLEAN": {"bool": protobuf.BOOLEAN}, "FLOAT": {"float": protobuf.FIXED32},
    "DOUBLE": {"double": protobuf.FIXED64}, **{name: {"string": protobuf.TEXT} for name in kinds.TEXTS},
    **{name: {"bytes": protobuf.BYTES} for name in kinds.BINARIES},
}  # fmt: skip


@dataclass
class _Step:
    """A column's field. `parent` is the place of the ROW around it (-1: the table, -2: it is an element), `always`: it is written
    where it is NULL, too, as 0."""

    field: MessageField
    type: int
    parent: int
    always: bool
    next: int = 0


class Fields:
    """The fields behind columns, each message before its own, each list before its elements."""

    def __init__(self, fields: Schema, options: Mapping[str, str]) -> None:
        self.schema, name = _messages(options)
        self.steps: list[_Step] = []
        self._walk(fields, self.schema.message(name), -1)

    def _walk(
        self, columns: Schema, message: Mapping[str, MessageField], parent: int, always: bool = False
    ) -> None:
        for column in columns:
            found = message.get(column.name)
            if found is None:
                raise PenstockError(
                    f"the message has no field {column.name}",
                    remedy=f"it has: {', '.join(message) or 'none'}",
                )
            self._add(column, found, parent, always)

    def _add(self, column: Column, found: MessageField, parent: int, always: bool) -> None:
        place = len(self.steps)
        step = _Step(found, self._type(column, found), parent, always)
        self.steps.append(step)
        if step.type == protobuf.LIST:
            inner = Column(column.name, element(column.kind).kind)
            self._add(inner, replace(found, repeated=False, implicit=False, map=False), -2, True)
        elif step.type == protobuf.RECORD:
            pair = parent == -2 and self.steps[place - 1].field.map
            self._walk(row_fields(column.kind), self.schema.messages[found.type], place, pair)
        step.next = len(self.steps)

    def _type(self, column: Column, found: MessageField) -> int:
        if found.map and column.kind.startswith("MAP<"):
            return protobuf.LIST
        if found.repeated and not found.map and is_array(column.kind):
            return protobuf.LIST
        if not found.repeated and is_row(column.kind) and found.type in self.schema.messages:
            return protobuf.RECORD
        known = {} if found.repeated else _TYPES.get(kinds.name_of(column.kind), {})
        if found.type in known:
            return known[found.type]
        fits = next((kind for kind, types in _TYPES.items() if found.type in types), "ROW<…>")
        fits = "MAP<…, …>" if found.map else f"ARRAY<{fits}>" if found.repeated else fits
        said = "map" if found.map else f"repeated {found.type}" if found.repeated else found.type
        raise PenstockError(
            f"the column {column.name} is {column.kind}, and the message's field {said}",
            remedy=f"declare it {fits}",
        )

    # --- the kernels' tables ---------------------------------------------------------------------------------

    def to_read(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(the fields of each message together, where each message's begin and how many it has, whether a column is implicit).

        Group 0 are the table's, one more than a ROW's place its own.
        """
        groups: list[list[list[int]]] = [[] for _ in range(len(self.steps) + 1)]
        for place, step in enumerate(self.steps):
            if step.parent > -2:
                listed = step.type == protobuf.LIST
                inner = self.steps[place + listed]
                row = [step.field.number, inner.type, place + listed, place if listed else -1]
                groups[step.parent + 1].append(row)
        sizes = np.array([len(group) for group in groups], np.int64)
        fields = np.array([row for group in groups for row in group], np.int64)
        # A map's value that is not there is a message without fields; elsewhere it would be NULL.
        implicit = [step.field.implicit or (step.always and step.parent > -2) for step in self.steps]
        return fields, np.stack([np.cumsum(sizes) - sizes, sizes], 1), np.array(implicit, np.int64)

    def to_write(self) -> NDArray[np.int64]:
        """The steps, what stands beside each other in the opposite order."""
        order, steps = list(self._backwards(0, len(self.steps))), []
        for at, place in enumerate(order):
            step = self.steps[place]
            packed = step.field.packed and (step.type == protobuf.LIST or step.parent == -2)
            wire = 2 if step.type == protobuf.LIST else protobuf.wire_of(step.type)
            tag = 0 if packed != (step.type == protobuf.LIST) else step.field.number << 3 | wire
            sparse = step.field.implicit and not step.always and step.type < protobuf.RECORD
            steps.append([step.type, place, at + step.next - place, tag, int(sparse)])
        return np.array(steps, np.int64)

    def _backwards(self, begin: int, end: int) -> Iterator[int]:
        places = [begin]
        while places[-1] < end:
            places.append(self.steps[places[-1]].next)
        for place in reversed(places[:-1]):
            yield place
            yield from self._backwards(place + 1, self.steps[place].next)


def option(options: Mapping[str, str], key: str) -> str | None:
    """One of the format's own options."""
    return options.get(f"value.protobuf.{key}", options.get(f"protobuf.{key}"))


def _messages(options: Mapping[str, str]) -> tuple[Messages, str]:
    """The schema and the message that a table's options name."""

    name, text, file = (option(options, key) for key in ("message", "schema", "schema-file"))
    no_class = option(options, "message-class-name") is None
    if not no_class or name is None or (text is None) == (file is None):
        raise PenstockError(
            "the format protobuf needs a message and its schema, not a Java class",
            remedy="'protobuf.schema-file' = 'bid.proto', 'protobuf.message' = 'package.Bid'",
        )
    if option(options, "read-default-values") == "true":
        raise PenstockError("protobuf.read-default-values is not offered", remedy="COALESCE the columns")
    if file is not None:
        try:
            text = Path(file).read_bytes()[: _SCHEMA_BYTES_MAX + 1].decode()
        except (OSError, ValueError) as error:
            raise PenstockError(
                f"{file} cannot be read: {error}", remedy="check protobuf.schema-file"
            ) from None
    assert text is not None
    if len(text) > _SCHEMA_BYTES_MAX:
        raise PenstockError(
            "the Protobuf schema is larger than 1 MB", remedy="put the message in a file of its own"
        )
    return parse(text), name
