"""A ``.proto`` file's messages: their fields' names, numbers and types.

Reads proto2 and proto3 without imports (but ``google/protobuf/timestamp.proto``); passes over services, options and comments.
Source: the Protocol Buffers language specifications. Knows nothing of tables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from penstock.errors import PenstockError

SCALARS = (
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool",
    "string", "bytes",
)  # fmt: skip
_WORDS = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.]+|[-+{}\[\]()<>=;,:/])""",
    re.DOTALL,
)
_TIMESTAMP = (
    'syntax = "proto3"; package google.protobuf; message Timestamp { int64 seconds = 1; int32 nanos = 2; }'
)


@dataclass(frozen=True)
class MessageField:
    """`type` is a scalar's, ``enum``, or a message's full name; `implicit`: what is not there is 0, as proto3 has it.

    A ``map`` is `repeated` and has a message of its own for `type`, of a key and a value. `packed`: numbers are written so.
    """

    name: str
    number: int
    type: str
    repeated: bool
    implicit: bool
    packed: bool = False
    map: bool = False


@dataclass
class Schema:
    """Messages by full name, with their fields by name."""

    messages: dict[str, dict[str, MessageField]] = field(default_factory=dict)
    enums: set[str] = field(default_factory=set)

    def message(self, name: str) -> dict[str, MessageField]:
        """A message by its full name, or by its last part where only one ends so."""
        found = [full for full in self.messages if full == name or full.endswith("." + name)]
        if name in self.messages:
            found = [name]
        if len(found) != 1:
            raise PenstockError(
                f"the schema has {'no' if not found else 'more than one'} message {name}",
                remedy=f"it has: {', '.join(sorted(self.messages)) or 'none'}",
            )
        return self.messages[found[0]]


def parse(text: str) -> Schema:
    """The messages of a file; raises `PenstockError` where it is none."""
    schema = Schema()
    _Parser(_TIMESTAMP, schema).read()
    _Parser(text, schema).read()
    for scope, fields in schema.messages.items():
        for name, one in fields.items():
            type_ = _resolved(one.type, scope, schema)
            implicit = one.implicit and type_ not in schema.messages
            packed = one.packed and not one.map and type_ not in (*schema.messages, "string", "bytes")
            fields[name] = replace(one, type=type_, implicit=implicit, packed=packed)
    return schema


def _resolved(type_: str, scope: str, schema: Schema) -> str:
    """A type's full name: it is looked for from the inside out."""
    if type_ in SCALARS:
        return type_
    parts = [] if type_.startswith(".") else scope.split(".")
    for depth in range(len(parts), -1, -1):
        full = ".".join([*parts[:depth], type_.lstrip(".")])
        if full in schema.messages:
            return full
        if full in schema.enums:
            return "enum"
    raise PenstockError(
        f"the schema names a type {type_} that it does not have", remedy="put it in the same file"
    )


class _Parser:
    def __init__(self, text: str, schema: Schema) -> None:
        self._words, self._schema = list(_cut(text)), schema
        self._at, self._proto3, self._package = 0, False, ""

    def read(self) -> None:
        while self._at < len(self._words):
            word = self._take()
            if word in ("syntax", "edition"):
                self._take("=")
                self._proto3 = self._take()[1:-1] != "proto2"
                self._take(";")
            elif word == "package":
                self._package = self._take()
                self._take(";")
            elif word in ("message", "enum"):
                self._block(word, self._package)
            elif word != ";":
                self._skip()

    def _block(self, word: str, scope: str) -> None:
        full = f"{scope}.{self._take()}".lstrip(".")
        self._take("{")
        if word == "enum":
            self._schema.enums.add(full)
            self._at -= 1
            self._skip()
            return
        self._schema.messages[full] = {}
        self._members(full, False)

    def _members(self, full: str, one_of: bool) -> None:
        while (word := self._take()) != "}":
            if word in ("message", "enum") and self._words[self._at + 1] == "{":
                self._block(word, full)
            elif word == "oneof":
                self._take()
                self._take("{")
                self._members(full, True)
            elif word in ("option", "reserved", "extensions", "extend", "group"):
                self._skip()
            elif word != ";":
                self._field(word, full, one_of)

    def _field(self, word: str, full: str, one_of: bool) -> None:
        label = word if word in ("optional", "required", "repeated") else ""
        type_ = self._take() if label else word
        entry = None
        if type_ == "map" and self._words[self._at] == "<":
            entry = self._entry()
        name = self._take()
        self._take("=")
        number = self._take()
        if not number.isdigit() or not 0 < int(number) < 1 << 29:
            raise self._wrong(f"{number} is no field's number")
        begin = self._at
        self._skip()
        said = self._words[begin : self._at]
        packed = said[said.index("packed") + 2] == "true" if "packed" in said else self._proto3
        implicit = self._proto3 and not label and not one_of
        if entry is not None:
            type_ = f".{full}.{name.title().replace('_', '')}Entry"  # as protoc calls it
            self._schema.messages[type_.lstrip(".")] = entry
        made = MessageField(name, int(number), type_, label == "repeated" or entry is not None, implicit)
        self._schema.messages[full][name] = replace(made, packed=packed, map=entry is not None)

    def _entry(self) -> dict[str, MessageField]:
        """The message of a map's pair: what is not there is 0 in proto2, too."""
        self._take("<")
        key = MessageField("key", 1, self._take(), False, True)
        self._take(",")
        value = MessageField("value", 2, self._take(), False, True)
        self._take(">")
        return {"key": key, "value": value}

    def _skip(self) -> None:
        """To the end of a statement, or of its block."""
        depth = 0
        while True:
            word = self._take()
            depth += (word == "{") - (word == "}")
            if depth == 0 and word in (";", "}"):
                return

    def _take(self, wanted: str | None = None) -> str:
        if self._at >= len(self._words):
            raise self._wrong("it ends too early")
        word = self._words[self._at]
        self._at += 1
        if wanted is not None and word != wanted:
            raise self._wrong(f"{wanted} is missing before {word[:40]}")
        return word

    def _wrong(self, what: str) -> PenstockError:
        return PenstockError(
            f"the Protobuf schema cannot be read: {what}", remedy="see what protoc says of it"
        )


def _cut(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _WORDS.match(text, at)
        if found is None:
            raise PenstockError(
                f"the Protobuf schema cannot be read at {text[at : at + 20]!r}",
                remedy="see what protoc says of it",
            )
        if found[1]:
            yield found[1]
        at = found.end()
