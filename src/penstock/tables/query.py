"""Filter, order and limit over a table's rows, in slices of bounded work.

Values are compared by their column's type; nulls, and values that do not fit their type, come last in either order
and pass no filter (SQL's three-valued logic). Knows nothing of how rows came or where they go.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

import msgspec

from penstock.errors import PenstockError
from penstock.tables.columns import TableColumn
from penstock.tables.like import like

Test: TypeAlias = Callable[[Any], bool]

FILTERS_MAX = 16
LIMIT_MAX = 10_000
OFFSET_MAX = 100_000
SLICE_ROWS = 2_000
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": eq,
    "ne": ne,
    "lt": lt,
    "le": le,
    "gt": gt,
    "ge": ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: the value of `column` passes `test`."""

    column: TableColumn
    test: Test


@dataclass(frozen=True, slots=True)
class Query:
    """What to show: rows that pass all conditions, ordered by a column (or by first appearance), a page of them."""

    conditions: tuple[Condition, ...] = ()
    order: TableColumn | None = None
    descending: bool = False
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page as JSON bytes, and how many rows pass the conditions in all."""

    rows: list[bytes]
    total: int


def parse_filter(text: str, columns: Sequence[TableColumn]) -> Condition:
    """A condition from ``column:op:value``; raises `PenstockError` naming what is wrong and what is there."""
    named = [c for c in columns if text.startswith(c.name + ":")]
    if not named:
        raise _unknown(text.partition(":")[0], columns, "filter")
    column = max(named, key=lambda c: len(c.name))
    op, colon, value = text[len(column.name) + 1 :].partition(":")
    if not colon or (op not in COMPARISONS and op != "like"):
        known = ", ".join((*COMPARISONS, "like"))
        raise PenstockError(
            f"{op[:20]!r} is no comparison",
            remedy=f"write column:op:value with op one of {known}",
            place="filter",
        )
    _must_compare(column, "filter")
    try:
        if op == "like":
            return Condition(column, _like_test(column, value))
        right, compare = column.parse(value), COMPARISONS[op]
    except ValueError as error:
        raise PenstockError(
            f"filter on {column.name}: {error}", remedy="write the value in the column's type", place="filter"
        ) from None
    return Condition(column, lambda left: compare(left, right))


def _like_test(column: TableColumn, pattern: str) -> Test:
    if column.word not in ("STRING", "VARCHAR", "CHAR"):
        raise ValueError(f"like compares STRING columns, this one is {column.kind}")
    return like(pattern)


def parse_order(text: str, columns: Sequence[TableColumn]) -> tuple[TableColumn, bool]:
    """The column and whether descending, from ``column`` or ``-column``; raises `PenstockError`."""
    known = {column.name: column for column in columns}
    descending = text.startswith("-") and text not in known
    name = text[1:] if descending else text
    if name not in known:
        raise _unknown(name, columns, "order")
    _must_compare(known[name], "order")
    return known[name], descending


def _unknown(name: str, columns: Sequence[TableColumn], place: str) -> PenstockError:
    there = ", ".join(column.name for column in columns[:40])
    return PenstockError(
        f"there is no column {name[:80]!r}", remedy=f"the table's columns are {there}", place=place
    )


def _must_compare(column: TableColumn, place: str) -> None:
    if not column.comparable:
        remedy = "filter and order by columns of a plain type (numbers, strings, times, BOOLEAN)"
        raise PenstockError(
            f"column {column.name} is {column.kind}, which has no order", remedy=remedy, place=place
        )


def run(query: Query, rows: Sequence[bytes]) -> Generator[None, None, Page]:
    """Evaluate a query; yields after each slice of rows, so that the caller can do other things in between."""
    if not query.conditions and query.order is None:
        return Page(list(rows[query.offset : query.offset + query.limit]), len(rows))
    reading, wanted = _Reading(query), query.offset + query.limit
    kept: list[tuple[Any, int, bytes]] = []
    total = 0
    for start in range(0, len(rows), SLICE_ROWS):
        found = reading.slice(rows[start : start + SLICE_ROWS], start)
        total += len(found)
        if query.order:
            kept += found
            if len(kept) > 2 * wanted + SLICE_ROWS:  # sorting now and then costs less than keeping a heap
                kept.sort()
                del kept[wanted:]
        else:
            kept += found[: wanted - len(kept)]
        yield
    if query.order:
        kept.sort()
        del kept[wanted:]
    return Page([row for _, _, row in kept[query.offset :]], total)


class _Reading:
    """Decodes of each row the columns that a query needs, and nothing else."""

    def __init__(self, query: Query) -> None:
        self._query = query
        columns = [c.column for c in query.conditions] + ([query.order] if query.order else [])
        names = {column.name: f"f{i}" for i, column in enumerate(columns)}
        fields = [(field, Any, None) for field in names.values()]
        named = {field: name for name, field in names.items()}
        shape = msgspec.defstruct("Needed", fields, rename=named, gc=False)
        exact = any(column.word == "DECIMAL" for column in columns)
        self._decode = msgspec.json.Decoder(shape, float_hook=Decimal if exact else None).decode
        self._tests = [(names[c.column.name], c.column.read, c.test) for c in query.conditions]
        self._order = names[query.order.name] if query.order else ""

    def slice(self, rows: Sequence[bytes], number: int) -> list[tuple[Any, int, bytes]]:
        """(sort key, number, row) of the rows that pass."""
        found = []
        for at, row in enumerate(rows, number):
            needed = self._decode(row)
            if all(self._passes(test, read(getattr(needed, name))) for name, read, test in self._tests):
                found.append((self._rank(needed), at, row))
        return found

    @staticmethod
    def _passes(test: Test, value: Any) -> bool:
        return value is not None and test(value)

    def _rank(self, needed: Any) -> Any:
        order = self._query.order
        if order is None:
            return 0
        value = order.read(getattr(needed, self._order))
        if value is None:
            return _LAST
        return (0, _Descending(value) if self._query.descending else value)


_LAST = (1, 0)


@dataclass(slots=True, order=False)
class _Descending:
    """Turns a column's order round."""

    value: Any

    def __lt__(self, other: "_Descending") -> bool:
        return bool(other.value < self.value)
