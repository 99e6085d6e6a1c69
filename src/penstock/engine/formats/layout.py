"""A schema as the walks' table of columns, and the tests of a row as their table of tests.

Knows the kinds that the walks can write; knows nothing of any format.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.engine.functions import kinds
from penstock.engine.kernels.decode import columns as at
from penstock.engine.kernels.frames import Block, Field, flat, streams
from penstock.engine.kernels.moments import ISO, SQL
from penstock.engine.plan.tests import Clock, Path, Test
from penstock.engine.types import Column, Schema, element, is_map, is_nested, is_row, row_fields

_COLUMNS_MAX = 256
_SIGNS = {
    "=": at.EQ, "<>": at.NE, "<": at.LT, "<=": at.LE, ">": at.GT, ">=": at.GE, "IS NULL": at.NULL, "IS NOT NULL": at.NOT_NULL,
}  # fmt: skip
_INTEGERS = {"TINYINT": ("c", 1), "SMALLINT": ("s", 2), "INT": ("i", 4), "BIGINT": ("l", 8)}
_SIMPLE = {
    "BOOLEAN": (at.BOOLEAN, "b", 0), "DOUBLE": (at.DOUBLE, "g", 8), "FLOAT": (at.FLOAT, "f", 4), "DATE": (at.DATE, "tdD", 4),
    "TIME": (at.TIME, "ttn", 8), **dict.fromkeys(kinds.TEXTS, (at.TEXT, "vu", 16)), **dict.fromkeys(kinds.TIMES, (at.MOMENT, "tsu:", 8)),
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """What a walk is told about the columns."""

    columns: tuple[Field, ...]
    table: NDArray[np.int64]
    names: NDArray[np.uint8]
    words: NDArray[np.uint64]
    buckets: NDArray[np.int64]
    tests: NDArray[np.int64]
    literals: NDArray[np.uint8]
    asked: int
    """How many rows of `tests` all have to pass; the others are the clock's."""
    clocks: NDArray[np.int64]
    """Of each place of the event time: the tests that have to hold, from which row to which, and its column."""

    @classmethod
    def of(
        cls,
        fields: Schema,
        tests: tuple[Test, ...],
        iso: bool,
        binary: bool = False,
        clock: Clock | None = None,
    ) -> "Layout | None":
        """The table of a schema; None where the walks do not know one of its kinds. `binary`: bytes are as they are."""
        rows: list[_Row] = []
        columns = _rows(fields, 0, iso, binary, rows)
        if columns is None or not 0 < len(rows) <= _COLUMNS_MAX:
            return None
        table = np.zeros((len(rows), at.FIELDS), np.int64)
        names = [row.name.encode() for row in rows]
        for place, row in enumerate(rows):
            table[place, [at.KIND, at.WIDTH, at.LOW, at.HIGH]] = row.kind, row.width, row.low, row.high
            table[place, [at.GROUP, at.PARENT]] = place + 1, row.group
            table[place, [at.NAME_AT, at.NAME_SIZE]] = sum(map(len, names[:place])), len(names[place])
            table[place, at.LAST] = place + len(flat(row.inner)) + 1
        table[:, at.STREAM] = streams(columns)
        words = np.array([int.from_bytes(name[:8], "little") for name in names], np.uint64)
        places, choices = _places(rows), clock.choices if clock is not None else ()
        said, literals = _tests([*tests, *(test for test, _ in choices if test is not None)], places)
        asked = said[:, 5].searchsorted(len(tests))
        joined = np.frombuffer(b"".join(names) + b"\0", np.uint8)
        clocks = _clocks(choices, places, said, len(tests))
        return cls(columns, table, joined, words, _buckets(table, names), said, literals, int(asked), clocks)

    def placed(self, block: Block) -> NDArray[np.int64]:
        """The table with where each column lies in a block."""
        table = self.table.copy()
        for place, column in enumerate(flat(self.columns)):
            table[place, at.BITS] = block.bits_at[place]
            width = min(max(column.width, 1), 8)
            table[place, at.BASE] = block.values_at[place] // width
        table[:, at.ROOM] = np.where(block.streams > 0, block.elements, block.rows)
        return table

    @property
    def lists(self) -> bool:
        """Whether there are lists among the columns."""
        return bool((self.table[:, at.KIND] == at.LIST).any())


def _odd(name: str) -> bool:
    """Whether a name cannot be found by its bytes: JSON writes it with escapes, or not at all."""
    return not name or any(c in '"\\' or c < " " or "\ud800" <= c <= "\udfff" for c in name)


@dataclass(frozen=True)
class _Row:
    """A row of the table; `group` is 0, or one more than the place of the ROW that the column is a field of, or, of an
    element of a list, which has no name, -1."""

    name: str
    kind: int
    width: int
    group: int
    low: int = 0
    high: int = 0
    inner: tuple[Field, ...] = ()


def _rows(fields: Schema, group: int, iso: bool, binary: bool, into: list[_Row]) -> tuple[Field, ...] | None:
    """The columns of a frame; their table's rows go to `into`, each ROW before its fields."""
    made = []
    for column in fields:
        if _odd(column.name):
            return None
        if is_nested(column.kind):
            found = _nested(column, group, iso, binary, into)
            if found is None:
                return None
            made.append(found)
            continue
        leaf = _leaf(column, group, iso, binary)
        if leaf is None:
            return None
        made.append(leaf[0])
        into.append(leaf[1])
    return tuple(made)


def _nested(column: Column, group: int, iso: bool, binary: bool, into: list[_Row]) -> Field | None:
    """A ROW with its fields, or a list with its elements; a map is a list of pairs."""
    place = len(into)
    if is_row(column.kind):
        form, width, kind = "+s", -1, at.ROW
        into.append(_Row(column.name, kind, width, group))
        inner = _rows(row_fields(column.kind), place + 1, iso, binary, into)
    else:
        form, width, kind = "+L", 8, at.LIST
        into.append(_Row(column.name, kind, width, group))
        inner = _rows((element(column.kind),), -1, iso, binary, into)
    if not inner:
        return None
    into[place] = _Row(column.name, kind, width, group, int(is_map(column.kind)), inner=inner)
    return Field(column.name, form, width, inner)


def _leaf(column: Column, group: int, iso: bool, binary: bool) -> tuple[Field, _Row] | None:
    name = kinds.name_of(column.kind)
    low = high = 0
    if name in _INTEGERS:
        form, width = _INTEGERS[name]
        kind, low, high = at.INTEGER, -(2 ** (8 * width - 1)), 2 ** (8 * width - 1) - 1
    elif name == "DECIMAL":
        precision, low = kinds.digits(column.kind)
        kind, form, width, high = at.DECIMAL, f"d:{precision},{low}", 16, 10 ** min(precision, 18)
        if low > 18:
            return None
    elif binary and name in kinds.BINARIES:
        kind, form, width = at.TEXT, "vz", 16
    elif name in _SIMPLE:
        kind, form, width = _SIMPLE[name]
        if kind == at.MOMENT:
            low, high = ISO if iso else SQL, int(name == "TIMESTAMP_LTZ")
    else:
        return None
    return Field(column.name, form, width), _Row(column.name, kind, width, group, low, high)


def _buckets(table: NDArray[np.int64], names: list[bytes]) -> NDArray[np.int64]:
    made = np.full(at.BUCKETS, -1, np.int64)
    for column, name in enumerate(names):
        ends = (name[0], name[-1]) if name else (0, 0)
        place = int(at.bucket(int(table[column, at.PARENT]), len(name), *ends))
        while made[place] >= 0:
            place = (place + 1) % at.BUCKETS
        made[place] = column
    return made


def _places(rows: Sequence[_Row]) -> dict[Path, int]:
    """Where each column stands in the table, and each field of one, but not what is in lists."""
    paths: list[Path | None] = []
    for row in rows:
        above = () if row.group == 0 else paths[row.group - 1] if row.group > 0 else None
        paths.append(None if above is None else (*above, row.name))
    return {path: place for place, path in enumerate(paths) if path is not None}


def _clocks(
    choices: Sequence[tuple[Test | None, Path]], places: dict[Path, int], said: NDArray[np.int64], clause: int
) -> NDArray[np.int64]:
    """A row for each place where the time may stand; their tests are the clauses from `clause` on."""
    made = []
    for test, path in choices:
        first = int(said[:, 5].searchsorted(clause))
        clause += test is not None
        made.append((first, int(said[:, 5].searchsorted(clause)), places[path]))
    return np.array(made, np.int64).reshape(-1, 3)


def _tests(tests: Sequence[Test], places: dict[Path, int]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """A row for each value of each test."""
    rows, literals = [], b""
    for clause, test in enumerate(tests):
        for value in test.values or (0,):
            row = [places[test.path], _SIGNS[test.sign], 0, 0, test.modulus, clause]
            if isinstance(value, int):
                row[2] = value
            else:
                row[2:4] = len(literals), len(value.encode())
                literals += value.encode()
            rows.append(row)
    return np.array(rows, np.int64).reshape(-1, 6), np.frombuffer(literals + b"\0", np.uint8)
