"""Reads Kafka's primitives one after the other, for the few messages that are decoded by hand.

`flexible` is KIP-482's compact encoding. Raises `MalformedError` where the bytes end. Knows no message.
"""

import struct
from typing import Final

from penstock.wire.kafka.guard import MalformedError, uvarint

_I16: Final = struct.Struct(">h")
_I32: Final = struct.Struct(">i")


class Cursor:
    """A position in a message, which may have `elements_max` array elements in all."""

    __slots__ = ("data", "elements_left", "flexible", "position")

    def __init__(self, data: memoryview, position: int, flexible: bool, elements_max: int) -> None:
        self.data, self.position, self.flexible = data, position, flexible
        self.elements_left = elements_max

    def int16(self) -> int:
        """A signed 16-bit number."""
        return self._number(_I16)

    def int32(self) -> int:
        """A signed 32-bit number."""
        return self._number(_I32)

    def string(self) -> str:
        """A string that may not be null."""
        value = self.nullable_string()
        if value is None:
            raise MalformedError("a string may not be null")
        return value

    def nullable_string(self) -> str | None:
        """A string or null."""
        view = self._take(self._length(_I16))
        try:
            return None if view is None else str(view, "utf-8")
        except UnicodeDecodeError:
            raise MalformedError("a string is not UTF-8") from None

    def nullable_bytes(self) -> memoryview | None:
        """A view of bytes, or null."""
        return self._take(self._length(_I32))

    def count(self) -> int:
        """The length of an array that may not be null."""
        count = self._length(_I32)
        if not 0 <= count <= len(self.data) - self.position:
            raise MalformedError("an array is longer than the message")
        self.elements_left -= count
        if self.elements_left < 0:
            raise MalformedError("the message has more elements than are accepted")
        return count

    def tags(self) -> None:
        """Skip the tagged fields that end a flexible struct."""
        if not self.flexible:
            return
        for _ in range(self._uvarint()):
            self._uvarint()
            self._take(self._uvarint())

    def _number(self, form: struct.Struct) -> int:
        try:
            value: int = form.unpack_from(self.data, self.position)[0]
        except struct.error:
            raise MalformedError("the message is cut short") from None
        self.position += form.size
        return value

    def _uvarint(self) -> int:
        try:
            value = self.data[self.position]
            if value < 0x80:  # lengths and counts of most requests are one byte
                self.position += 1
                return value
            value, self.position = uvarint(self.data, self.position)
        except IndexError:
            raise MalformedError("the message is cut short") from None
        return value

    def _length(self, form: struct.Struct) -> int:
        return self._uvarint() - 1 if self.flexible else self._number(form)

    def _take(self, size: int) -> memoryview | None:
        if size == -1:
            return None
        end = self.position + size
        if size < -1 or end > len(self.data):
            raise MalformedError("a length goes past the end of the message")
        view = self.data[self.position : end]
        self.position = end
        return view
