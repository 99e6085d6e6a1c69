"""Streams: rows flowing from a table, step by step, each step a plan node.

A stream is a value: every method gives a new one and changes nothing until `.to(…)` or `app.live(…)`. Knows the
plan's nodes, and what it asks of the app they are written into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from penstock.dsl import joins, ordering, steps, user
from penstock.dsl.expressions import Expression, Operand, lift, now
from penstock.dsl.schemas import SchemaLike
from penstock.durations import Duration, milliseconds
from penstock.engine.plan import WINDOW_NAMES, Node
from penstock.engine.types import Schema
from penstock.errors import PenstockError
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.lower.groups.grouping import Grouping, distinct, has_aggregate, is_aggregate
from penstock.sql.nodes.build import Item, projected, quoted, unioned, windowed
from penstock.sql.nodes.pairs import filtered
from penstock.sql.nodes.traits import event_times

if TYPE_CHECKING:
    import polars as pl

from sqlglot import exp


class Script(Protocol):
    """What streams are written into: an `App`."""

    def version(self, node: Node) -> Node:
        """A table's rows with the time since when each counts."""

    def write(self, name: str, stream: Stream) -> None:
        """The stream goes to what is called so."""


class Stream:
    """Rows with a schema. Build with `app.topic` and `app.table`, write with `.to` and `app.live`."""

    def __init__(self, app: Script, node: Node) -> None:
        self.app, self.node = app, node

    @property
    def schema(self) -> Schema:
        """The columns, in order."""
        return self.node.schema

    def __repr__(self) -> str:
        return f"Stream({', '.join(f'{c.name} {c.kind}' for c in self.schema)})"

    def filter(self, *conditions: Expression) -> Stream:
        """Only the rows for which all conditions hold."""
        return type(self)(self.app, self._filtered(conditions))

    def select(self, *columns: Expression | str, **named: Operand) -> Stream:
        """New columns: columns as they are (`col.card` or ``"card"``), then expressions under new names."""
        return Stream(self.app, projected(self.node, _items(self.node, columns, named)))

    def tumble(self, size: Duration, *, on: str | None = None, offset: Duration = "0 ms") -> Windowed:
        """Windows of one size, one after the other, over the event time."""
        return self._windowed("TUMBLE", on, (milliseconds(size), milliseconds(size), milliseconds(offset)))

    def hop(
        self, size: Duration, slide: Duration, *, on: str | None = None, offset: Duration = "0 ms"
    ) -> Windowed:
        """Windows of one size that begin every `slide`, so a row is in several."""
        return self._windowed("HOP", on, (milliseconds(size), milliseconds(slide), milliseconds(offset)))

    def cumulate(
        self, size: Duration, step: Duration, *, on: str | None = None, offset: Duration = "0 ms"
    ) -> Windowed:
        """Windows that begin every `size` and grow by `step` until they have it: running totals of a day."""
        return self._windowed("CUMULATE", on, (milliseconds(size), milliseconds(step), milliseconds(offset)))

    def session(self, gap: Duration, *, on: str | None = None) -> Windowed:
        """Windows that last until no row of the same group has come for `gap`; group by what they are of."""
        return self._windowed("SESSION", on, (milliseconds(gap), milliseconds(gap), 0))

    def group_by(self, *keys: Expression | str, ttl: Duration | None = None, **named: Operand) -> Grouped:
        """Groups by columns or expressions, to be aggregated; without a window they change with every row.

        A group that no row came to for `ttl` is forgotten: its next row begins it anew.
        """
        return Grouped(self, _items(self.node, keys, named), ttl)

    def agg(self, **aggregates: Expression) -> Stream:
        """Aggregates over all rows (of a window)."""
        return self.group_by().agg(**aggregates)

    def distinct(self, *, ttl: Duration | None = None) -> Stream:
        """Each different row once; once more where it has not come for `ttl`."""
        return Stream(self.app, steps.forgetting(distinct(self.node), ttl))

    def union(self, *others: Stream) -> Stream:
        """The rows of all streams; columns meet by position."""
        nodes = [self.node, *(other.node for other in others)]
        return Stream(self.app, unioned(nodes, [None] * len(nodes)))

    def join(
        self,
        other: Stream,
        on: joins.On = None,
        *,
        how: str = "inner",
        within: joins.Within = None,
        as_of: Expression | str | None = None,
        ttl: Duration | tuple[Duration, Duration] | None = None,
    ) -> Stream:
        """The rows of both that belong together.

        `on` is a column that both have, several, or a condition (``left.id == right.ref``). `how` is inner, left,
        right, full, semi (rows with a match), anti (rows without one) or cross. `within` bounds the other row's event
        time relative to this one's, ``("-5 min", "1 h")``: rows are let go once time has passed them. `as_of` takes
        the other table's row as it was at that time, or as it is (`now`); of a table without event time each row
        counts since its record's timestamp. Over the same windows of both sides,
        ``on=["window_start", "window_end", …]``, pairs come as windows close. A join of rows that are kept for ever
        forgets each after `ttl`, one for both sides or (this one's, the other's).
        """
        right = other.node
        if as_of is not None and as_of is not now and not event_times(right):
            right = self.app.version(right)
        made = joins.join(self.node, right, joins.Wish(on, how, within, as_of))
        return Stream(self.app, steps.forgetting(made, ttl))

    def top(
        self,
        limit: int,
        *,
        by: ordering.By = (),
        order: ordering.By,
        rank: str | None = None,
        ttl: Duration | None = None,
    ) -> Stream:
        """Of each group the first `limit` rows by `order`; `rank` names a column for each row's place.

        By the windows' bounds among others, each window's rows come once, when it closes. Rows are forgotten after `ttl`.
        """
        return Stream(self.app, steps.forgetting(ordering.top(self.node, limit, by, order, rank), ttl))

    def last(
        self, by: ordering.By, *, order: Expression | None = None, ttl: Duration | None = None
    ) -> Stream:
        """Each key's last row, by event time or by `order`; forgotten after `ttl`."""
        chosen = ordering.by_time(self.node, True) if order is None else order.desc()
        return self.top(1, by=by, order=chosen, ttl=ttl)

    def first(
        self, by: ordering.By, *, order: Expression | None = None, ttl: Duration | None = None
    ) -> Stream:
        """Each key's first row, by event time or by `order`; forgotten after `ttl`."""
        chosen = ordering.by_time(self.node, False) if order is None else order.asc()
        return self.top(1, by=by, order=chosen, ttl=ttl)

    def over(
        self,
        by: ordering.By = (),
        *,
        rows: int | None = None,
        time: Duration | None = None,
        order: Expression | None = None,
        ttl: Duration | None = None,
        **aggregates: Expression,
    ) -> Stream:
        """All columns, and aggregates over each row and those of the same `by` before it.

        `rows` is how many before it take part, `time` how far back they lie; without either, all. Rows are in the order
        of their event time, with `order=now` in that in which they come, and then forgotten after `ttl`.
        """
        made = ordering.over(self.node, by, (rows, time), order, aggregates)
        return Stream(self.app, steps.forgetting(made, ttl))

    def lateral(self, call: Expression, *, outer: bool = False) -> Stream:
        """Each row beside each row that a table function gives for it: ``.lateral(words(col.text))``.

        With `outer` a row for which it gives none stands beside nulls.
        """
        return Stream(self.app, steps.lateral(self.node, call, outer))

    def map_batches(
        self,
        body: Callable[[pl.DataFrame], pl.DataFrame],
        *,
        emits: SchemaLike,
        event_time: str | None = None,
        deterministic: bool = True,
    ) -> Stream:
        """What a function makes of each batch, a polars DataFrame in and one out, with as many rows as it likes.

        Batches are of any size, so the function looks at no more than one row's neighbours at hand. `event_time`
        names an emitted column that windows may go by: the rows' own, handed on.
        """
        function = user.declared_frame(body, emits=emits, deterministic=deterministic)
        return Stream(self.app, steps.map_batches(self.node, function, event_time))

    def process(
        self,
        body: type,
        *,
        by: ordering.By,
        emits: SchemaLike,
        ttl: Duration | None = None,
        event_time: str | None = None,
        deterministic: bool = True,
    ) -> Stream:
        """What a class emits, that sees the rows of each key one by one: `on_row(self, row, ctx)`.

        Its annotated fields are state by key; ``ctx.timer("name", after="30s")`` has `on_timer(self, name, ctx)`
        called, ``ctx.clear()`` forgets the key, as does `ttl` once nobody has touched it for so long.
        """
        function = user.declared_class(body, emits=emits, ttl=ttl, deterministic=deterministic)
        return Stream(self.app, steps.process(self.node, function, by, event_time))

    def to(self, name: str) -> None:
        """Write the rows to a topic; one that is not declared yet gets the stream's schema."""
        self.app.write(name, self)

    def _filtered(self, conditions: tuple[Expression, ...]) -> Node:
        node = self.node
        for condition in conditions:
            node = filtered(node, _plain(bind(lift(condition).node, Scope(node.schema))))
        return node

    def _windowed(self, kind: str, on: str | None, sizes: tuple[int, int, int]) -> Windowed:
        times = sorted(event_times(self.node))
        if on is None and len(times) != 1:
            raise PenstockError(
                f"the stream has {'no' if not times else 'more than one'} event-time column",
                remedy='app.topic(…, event_time="at", late="5s")' if not times else 'say which: on="at"',
            )
        return Windowed(self.app, windowed(self.node, kind, on or times[0], sizes))


class Windowed(Stream):
    """Rows with their windows: window_start, window_end and window_time; grouping keeps to the windows."""

    def group_by(self, *keys: Expression | str, ttl: Duration | None = None, **named: Operand) -> Grouped:
        """Groups within each window: one row a group, when the window closes."""
        items = _items(self.node, keys, named)
        missing = [name for name in WINDOW_NAMES if name not in {item for item, _ in items}]
        return Grouped(self, [*items, *((name, quoted(name)) for name in missing)], ttl)


class Grouped:
    """Groups of a stream's rows, waiting for their aggregates."""

    def __init__(self, stream: Stream, keys: list[Item], ttl: Duration | None = None) -> None:
        self._stream, self._keys, self._ttl = stream, keys, ttl

    def agg(self, **aggregates: Expression) -> Stream:
        """One row a group: the keys, then each aggregate, or expression over aggregates, under its name."""
        source = self._stream.node
        for name, node in self._keys:
            _plain(node)
            if name in aggregates:
                raise PenstockError(
                    f"{name} is a group's key and an aggregate", remedy="give the aggregate another name"
                )
        grouping = Grouping(source, list(self._keys))
        bound = [(name, bind(lift(value).node, Scope(source.schema))) for name, value in aggregates.items()]
        for name, node in bound:
            if is_aggregate(node):
                grouping.claim(name, node)
        columns: list[Item] = [(name, quoted(name)) for name, _ in self._keys]
        columns += [(name, grouping.over(node)) for name, node in bound]
        groups = steps.forgetting(grouping.node(), self._ttl)
        return Stream(self._stream.app, projected(groups, columns))


def _items(node: Node, columns: tuple[Expression | str, ...], named: Mapping[str, Operand]) -> list[Item]:
    items: list[Item] = []
    for column in columns:
        expression = quoted(column) if isinstance(column, str) else lift(column).node
        if not isinstance(expression, exp.Column):
            raise PenstockError(f"{column!r} has no name", remedy=f"give it one: name={column!r}")
        items.append((expression.name, expression))
    items += [(name, lift(value).node) for name, value in named.items()]
    names = [name for name, _ in items]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PenstockError(f"{twice} is selected twice", remedy="give one of them another name")
    return [(name, _plain(bind(expression, Scope(node.schema)))) for name, expression in items]


def _plain(node: exp.Expression) -> exp.Expression:
    if has_aggregate(node):
        raise PenstockError("an aggregate stands only in .agg(…)", remedy=".group_by(…).agg(name=fn.sum(…))")
    return node
