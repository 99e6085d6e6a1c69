"""Frames over memory that kernels write: polars reads the block itself, and it is written again once polars let go.

A block is one allocation: the values and validity bits of every column, and the C structures of Arrow's data interface
that say where these lie. Whoever imports a frame calls its release function when the last column is dropped, on any
thread: that is a compiled function which only marks the block as free, so that no lock is needed then. Fresh pages cost
several times what writing to them does, therefore blocks are used again.

Source: Arrow's C data interface. Knows nothing of what is decoded into the columns.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numpy.typing import NDArray

from penstock.engine.kernels.compiled import callback
from penstock.engine.kernels.decode.words import machine

_ARRAY, _SCHEMA = 10, 9  # words of struct ArrowArray and struct ArrowSchema
_LENGTH, _NULLS, _OFFSET, _BUFFERS, _CHILDREN, _BUFFER_AT, _CHILD_AT, _, _RELEASE, _PRIVATE = range(_ARRAY)
_NULLABLE = 2
_ALIGNED = 64


@machine
def _word_at(typing: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))

    return types.int64(types.int64), generate


@machine
def _set_word(typing: Any, address: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[1], builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))
        return arguments[1]

    return types.int64(types.int64, types.int64), generate


@callback("void(int64)")
def let_go(array):  # type: ignore[no-untyped-def]
    """Release a struct ArrowArray: what its private word points to becomes 0, and so does its release function."""
    _set_word(_word_at(array + 72), np.int64(0))
    _set_word(array + 64, np.int64(0))


@callback("void(int64)")
def let_go_schema(schema):  # type: ignore[no-untyped-def]
    """Release a struct ArrowSchema, which owns nothing."""
    _set_word(schema + 56, np.int64(0))


@dataclass(frozen=True)
class Field:
    """A column of a frame: Arrow's format of it, its values' width in bytes (0: bits, -1: none), and its fields."""

    name: str
    form: str
    width: int
    fields: tuple["Field", ...] = ()

    @property
    def viewed(self) -> bool:
        """Whether the values are views of texts that lie elsewhere."""
        return self.form in ("vu", "vz")

    @property
    def listed(self) -> bool:
        """Whether the values are where lists end."""
        return self.form == "+L"


def flat(fields: Sequence[Field]) -> list[Field]:
    """All columns, each before its fields."""
    return [one for field in fields for one in (field, *flat(field.fields))]


def streams(fields: Sequence[Field], stream: int = 0, at: int = 0) -> list[int]:
    """Of all columns, in whose rows each is: 0, or one more than the place of the list whose elements it is part of."""
    made: list[int] = []
    for field in fields:
        place = at + len(made)
        made.append(stream)
        made += streams(field.fields, place + 1 if field.listed else stream, place + 1)
    return made


class Block:
    """The memory of one frame of at most `rows` rows, and at most `elements` of each list."""

    def __init__(self, fields: Sequence[Field], rows: int, elements: int = 0) -> None:
        self.rows, self.elements, self.columns = rows, elements, flat(fields)
        self.streams = np.array(streams(fields), np.int64)
        self.values_at, self.bits_at = [], []
        size = _ALIGNED
        for column, stream in zip(self.columns, self.streams.tolist(), strict=True):
            room = elements if stream else rows
            self.bits_at.append(size)
            size += _padded((room + 7) // 8)
            self.values_at.append(size)
            size += _padded((room + column.listed) * column.width if column.width > 0 else (room + 7) // 8)
        whole = np.empty(size + _ALIGNED, np.uint8)
        self.bytes = whole[-whole.ctypes.data % _ALIGNED :][:size]
        self.extra = np.empty(1, np.uint8)
        """Texts that are not in the data as they are wanted."""
        self.kept: tuple[Any, ...] = ()
        self._lay(fields)

    def words(self, kind: type[np.generic]) -> NDArray[Any]:
        """The memory as words of a kind."""
        return self.bytes[: len(self.bytes) // np.dtype(kind).itemsize * np.dtype(kind).itemsize].view(kind)

    @property
    def lent(self) -> bool:
        """Whether a frame over it still lives somewhere."""
        return bool(self._state[0])

    # --- Arrow's structures ----------------------------------------------------------------------------------

    def _lay(self, fields: Sequence[Field]) -> None:
        count = len(self.columns) + 1
        self._state = np.zeros(1, np.int64)
        self._arrays, self._schemas = (
            np.zeros((count, _ARRAY), np.int64),
            np.zeros((count, _SCHEMA), np.int64),
        )
        self._buffers, self._sizes = np.zeros((count, 5), np.int64), np.zeros(2, np.int64)
        self._texts = [
            ctypes.create_string_buffer(t.encode()) for c in self.columns for t in (c.form, c.name)
        ]
        self._links: list[NDArray[np.int64]] = []
        self._root = ctypes.create_string_buffer(b"+s")
        base = self.bytes.ctypes.data
        for place, column in enumerate(self.columns, 1):
            self._buffers[place, :4] = base + self.bits_at[place - 1], base + self.values_at[place - 1], 0, 0
            self._buffers[place, 4] = self._sizes.ctypes.data
            self._arrays[place, _BUFFERS] = 5 if column.viewed else 1 if column.width < 0 else 2
            self._arrays[place, _BUFFER_AT] = self._buffers[place].ctypes.data
            self._arrays[place, _RELEASE] = let_go_schema.address
            self._schemas[place, :2] = [ctypes.addressof(t) for t in self._texts[2 * place - 2 : 2 * place]]
            self._schemas[place, 3], self._schemas[place, 7] = _NULLABLE, let_go_schema.address
        self._arrays[0, _BUFFERS], self._arrays[0, _BUFFER_AT] = 1, self._buffers[0].ctypes.data
        self._schemas[0, 0] = self._schemas[0, 1] = ctypes.addressof(self._root)
        self._link(0, fields, 1)
        # Whoever imports a structure takes what is in it: these are put back for the next frame.
        self._schema_root, self._array_root = self._schemas[0].copy(), self._arrays[0].copy()

    def _link(self, place: int, fields: Sequence[Field], at: int) -> int:
        """Tie a struct at `place` to its fields, which stand from `at` on; where the next column stands."""
        places = []
        for field in fields:
            places.append(at)
            at = self._link(at, field.fields, at + 1) if field.fields else at + 1
        for table, count, link in ((self._arrays, _CHILDREN, _CHILD_AT), (self._schemas, 4, 5)):
            found = np.array([table[one].ctypes.data for one in places], np.int64)
            table[place, count], table[place, link] = len(places), found.ctypes.data
            self._links.append(found)
        return at

    def frame(
        self,
        rows: int,
        nulls: NDArray[np.int64],
        data: NDArray[np.uint8],
        lens: NDArray[np.int64] | None = None,
    ) -> pl.DataFrame:
        """The first `rows` rows; views point into `data` (buffer 0) and `extra` (buffer 1). `lens`: how many elements the lists
        have, by column."""
        self._schemas[0], self._arrays[0] = self._schema_root, self._array_root
        self._arrays[:, _LENGTH] = rows
        if lens is not None:
            self._arrays[1:, _LENGTH] = np.where(self.streams > 0, lens[self.streams - 1], rows)
        self._arrays[1:, _NULLS] = nulls
        self._buffers[1:, 0] = np.where(nulls > 0, self.bytes.ctypes.data + np.asarray(self.bits_at), 0)
        for place, column in enumerate(self.columns, 1):
            if column.viewed:
                self._buffers[place, 2:4] = data.ctypes.data, self.extra.ctypes.data
        self._sizes[:] = len(data), len(self.extra)
        self._arrays[0, _RELEASE], self._arrays[0, _PRIVATE] = let_go.address, self._state.ctypes.data
        self._schemas[0, 7] = let_go_schema.address
        self._state[0], self.kept = 1, (data, self.extra)
        _LENT.append(self)
        return pl.DataFrame(_Exported(self._schemas.ctypes.data, self._arrays.ctypes.data))


_LENT: list[Block] = []
"""Blocks that a frame lives in, whoever made it: they stay until it is gone."""


class Blocks:
    """The blocks of one kind of frame."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.elements = 0
        """So many each list has room for: what was enough so far."""
        self._lists = any(field.listed for field in flat(fields))
        self._blocks: list[Block] = []

    def take(self, rows: int) -> Block:
        """A free block of at least so many rows."""
        _LENT[:] = [block for block in _LENT if block.lent]
        if self._lists:
            self.elements = max(self.elements, 2 * rows)
        free = [block for block in self._blocks if not block.lent]
        found = next(
            (block for block in free if block.rows >= rows and block.elements >= self.elements), None
        )
        if found is None:
            found = Block(self.fields, max(1024, 1 << (rows - 1).bit_length() if rows else 1), self.elements)
            # Those that are lent belong to who holds their frames: they come back here only if there are few.
            large = [b for b in self._blocks if b.rows >= found.rows and b.elements >= self.elements]
            self._blocks = [found, *large[:_KEPT]]
        found.kept = ()
        return found

    def more(self, rows: int) -> Block:
        """The same, with room for more elements of lists than the last one had."""
        self.elements *= 4
        return self.take(rows)


_KEPT = 7


def _padded(size: int) -> int:
    return -(-max(size, 1) // _ALIGNED) * _ALIGNED


_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


@dataclass(frozen=True)
class _Exported:
    schema: int
    array: int

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return _capsule(self.schema, b"arrow_schema", None), _capsule(self.array, b"arrow_array", None)
