"""OVER in a select list: ``ROW_NUMBER() OVER (…)`` numbers rows, an aggregate looks back over the rows before each.

Source: Flink documentation, "Over Aggregation", "Top-N". Knows what a window specification means; bounds of a
ROW_NUMBER are `ranking`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.plan import Aggregation, Lag, Node, Order, Over
from penstock.engine.types import Column
from penstock.sql.faults import QueryError
from penstock.sql.lower.binder import Scope, bind, bound
from penstock.sql.lower.groups.grouping import AGGREGATES, aggregation, is_aggregate
from penstock.sql.lower.over import lag
from penstock.sql.lower.over.ranking import Numbered, settled
from penstock.sql.nodes.build import Item, projected
from penstock.sql.nodes.intervals import milliseconds
from penstock.sql.nodes.traits import clock_times, event_times
from penstock.sql.support import FUNCTIONS_REFUSED

USAGE = "SUM(x) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)"


@dataclass(frozen=True)
class Frame:
    """Which rows an OVER aggregate looks at; equal frames are one node."""

    keys: tuple[str, ...]
    time: str
    rows: int | None
    range_ms: int | None
    by_rows: bool
    clock: bool


def placed(node: Node, scope: Scope, items: list[Item]) -> tuple[Node, list[Item]]:
    """The node that computes every OVER of a select list, and the list with columns in their places."""
    calls = [part for _, item in items for part in item.find_all(exp.Window)]
    if not calls:
        return node, items
    rows = _Rows(settled(node), scope)
    names: dict[int, str] = {}
    numbering = [call for call in calls if _is_row_number(call)]
    if len(numbering) > 1 or (numbering and len(calls) > 1):
        raise QueryError("a ROW_NUMBER stands alone among OVERs", calls[1], remedy="use a subquery for each")
    if numbering:
        names[id(numbering[0])] = rows.number(numbering[0])
    else:
        names = rows.look_back(calls)

    def put(part: exp.Expression) -> exp.Expression:
        return bound(names[id(part)]) if id(part) in names else part

    return rows.node, [(name, item.transform(put, copy=False)) for name, item in items]


def _is_row_number(call: exp.Window) -> bool:
    return isinstance(call.this, exp.RowNumber) or call.this.name.upper() == "ROW_NUMBER"


class _Rows:
    """The rows under a select list, as columns and nodes are added to them."""

    def __init__(self, node: Node, scope: Scope) -> None:
        self.node, self.scope = node, scope
        self._columns: dict[exp.Expression, str] = {}

    def number(self, call: exp.Window) -> str:
        """Number the rows; the number's column."""
        if _spec(call) is not None:
            raise QueryError("ROW_NUMBER takes no ROWS or RANGE", call)
        keys = self._keys(call)
        order = []
        for part in _order(call):
            self._check_nulls(part)
            order.append(Order(self._column(part.this), bool(part.args.get("desc"))))
        if not order:
            raise QueryError(
                "ROW_NUMBER needs ORDER BY", call, remedy="OVER (PARTITION BY k ORDER BY v DESC)"
            )
        self.node = Numbered(self.node, keys, tuple(order), "$rank", call)
        return "$rank"

    def look_back(self, calls: Sequence[exp.Window]) -> dict[int, str]:
        """Compute aggregates and lags over the rows before each; the column of each call."""
        for call in calls:
            if not lag.is_lag(call.this):
                _check_aggregate(call)
        frames: dict[Frame, list[tuple[exp.Window, str]]] = {}
        names: dict[int, str] = {}
        for number, call in enumerate(calls):
            names[id(call)] = f"$over{number}"
            frames.setdefault(self._frame(call), []).append((call, names[id(call)]))
        if len(frames) > 1:
            raise QueryError(
                "all OVERs of one SELECT look back over the same rows",
                calls[1],
                remedy="use a subquery for each",
            )
        for frame, members in frames.items():
            lags = tuple(self._lag(call, name) for call, name in members if lag.is_lag(call.this))
            made = tuple(self._aggregation(call, name) for call, name in members if not lag.is_lag(call.this))
            self.node = Over(
                self.node, frame.keys, frame.time, made, frame.rows, frame.range_ms, frame.by_rows, lags,
                frame.clock,
            )  # fmt: skip
        return names

    def _lag(self, call: exp.Window, name: str) -> Lag:
        found = lag.read(call)
        of = self._column(found.value)
        default = (
            None if found.default is None else self._column(lag.default_of(found, self.node, self.scope))
        )
        kind = next(column.kind for column in self.node.schema if column.name == of)
        return Lag(Column(name, kind), of, found.offset, default)

    def _aggregation(self, call: exp.Window, name: str) -> Aggregation:
        return aggregation(name, bind(call.this, self.scope), self.node)

    def _frame(self, call: exp.Window) -> Frame:
        order = _order(call)
        if len(order) != 1 or order[0].args.get("desc"):
            raise QueryError("an OVER aggregate is ordered by one time column, upwards", call, remedy=USAGE)
        time = self._column(order[0].this)
        if self.node.changes:
            raise QueryError(
                "OVER looks back over rows that never change", call, remedy="take it over the kafka table"
            )
        clock = time in clock_times(self.node)
        if not clock and time not in event_times(self.node):
            raise QueryError(
                f"`{order[0].this.name}` is not an event-time column, so rows cannot be ordered by it",
                order[0],
                remedy="declare it in CREATE TABLE: WATERMARK FOR …, or order by PROCTIME()",
            )
        rows, range_ms, by_rows = _extent(call)
        return Frame(self._keys(call), time, rows, range_ms, by_rows, clock)

    def _keys(self, call: exp.Window) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._column(part) for part in call.args.get("partition_by") or []))

    def _column(self, part: exp.Expression) -> str:
        """The column that an expression is, added if need be."""
        expr = bind(part, self.scope)
        if isinstance(expr, exp.Column):
            return expr.name
        if expr in self._columns:
            return self._columns[expr]
        name = self._columns[expr] = f"$by{len(self.node.schema)}"
        self.node = projected(self.node, [*((c.name, bound(c.name)) for c in self.node.schema), (name, expr)])
        self.scope = Scope(self.node.schema, self.scope.names, self.scope.joined)
        return name

    def _check_nulls(self, part: exp.Ordered) -> None:
        first, down = bool(part.args.get("nulls_first")), bool(part.args.get("desc"))
        if first == down:
            raise QueryError(
                "nulls sort as the smallest value", part, remedy="leave NULLS FIRST and NULLS LAST out"
            )


def _check_aggregate(call: exp.Window) -> None:
    inner = call.this
    if not is_aggregate(inner):
        reason = FUNCTIONS_REFUSED.get(inner.name.upper()) or FUNCTIONS_REFUSED.get(inner.sql_name())
        raise QueryError(
            reason.message if reason else "this is no aggregate",
            call,
            remedy=reason.remedy if reason else ", ".join(sorted(AGGREGATES.values())),
        )


def _order(call: exp.Window) -> list[exp.Ordered]:
    order = call.args.get("order")
    return list(order.expressions) if order is not None else []


def _spec(call: exp.Window) -> exp.WindowSpec | None:
    return call.args.get("spec")


def _extent(call: exp.Window) -> tuple[int | None, int | None, bool]:
    """(rows before, milliseconds before, whether by rows) of a frame; it ends at the current row."""
    spec = _spec(call)
    if spec is None:
        return None, None, False
    by_rows = spec.args.get("kind") == "ROWS"
    if spec.args.get("end") not in (None, "CURRENT ROW") or spec.args.get("start_side") != "PRECEDING":
        raise QueryError("an OVER frame goes from … PRECEDING to CURRENT ROW", call, remedy=USAGE)
    start = spec.args.get("start")
    if start == "UNBOUNDED":
        return None, None, by_rows
    if by_rows:
        if not (isinstance(start, exp.Literal) and start.name.isdigit()):
            raise QueryError(
                "ROWS takes a whole number", call, remedy="ROWS BETWEEN 10 PRECEDING AND CURRENT ROW"
            )
        return int(start.name), None, True
    if not isinstance(start, exp.Interval):
        raise QueryError("RANGE takes an interval", call, remedy=USAGE)
    return None, milliseconds(start, "the range"), False
