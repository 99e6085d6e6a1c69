"""A plan as indented text: for tests to hold, and for people.

Knows the plan's nodes; expressions are written as SQL with the parentheses they need.
"""

from collections.abc import Callable

from sqlglot import exp

from penstock.engine.plan import (
    Aggregate,
    Aggregation,
    AsOf,
    Beside,
    Filter,
    GroupingSets,
    Join,
    Lag,
    Node,
    Over,
    Plan,
    Project,
    Scan,
    Top,
    Union,
    Unnest,
    Window,
)
from penstock.engine.plan.lifetimes import forgets, lifetimes
from penstock.engine.plan.user import Expand, MapBatches, Process
from penstock.engine.types import Column, Expr
from penstock.sql.dialect import Flink


def explain(plan: Plan) -> str:
    """The plan's sinks, each with its tree; sources stand deepest."""
    lines: list[str] = []
    for sink in plan.sinks:
        key = f" key ({', '.join(sink.table.key)})" if sink.table.key else ""
        changes = " changes" if sink.source.changes else ""
        lines.append(f"Sink {sink.table.name} [{sink.table.connector}]{key}{changes}")
        lines += _tree(sink.source, 1)
    return "\n".join(lines) + "\n"


def text_of(node: Expr) -> str:
    """An expression as Flink SQL, with parentheses where precedence asks for them."""
    return parenthesised(node.copy()).sql(dialect=Flink, comments=False)


def line_of(node: Node) -> str:
    """One node, without what it reads."""
    return _LINES.get(type(node), _any)(node)


def _tree(node: Node, depth: int) -> list[str]:
    lines = ["  " * depth + line_of(node)]
    for source in node.inputs:
        lines += _tree(source, depth + 1)
    return lines


def _scan(node: Scan) -> str:
    late = node.table.watermark
    return f"Scan {node.table.name}{_lifetime(node)}" + (
        f" event time {late.column}, {_duration(late.late_ms)} late" if late else ""
    )


def _lifetime(node: Node) -> str:
    """For how long a node keeps what it knows, where it forgets."""
    told = ["for ever" if not one else _duration(one) for one in lifetimes(node) or () if one is not None]
    if not forgets(node):
        return ""
    return f" kept {told[0]}" if len(set(told)) == 1 else f" kept {' and '.join(told)}"


def _filter(node: Filter) -> str:
    return f"Filter {text_of(node.condition)}"


def _project(node: Project) -> str:
    return "Project " + ", ".join(_item(column, expr) for column, expr in node.columns)


def _item(column: Column, expr: Expr) -> str:
    if isinstance(expr, exp.Column) and expr.name == column.name:
        return column.name
    return f"{column.name} {column.kind} = {text_of(expr)}"


def _window(node: Window) -> str:
    slide = f" every {_duration(node.slide_ms)}" if node.slide_ms != node.size_ms else ""
    offset = f" from {_duration(node.offset_ms)}" if node.offset_ms else ""
    return f"Window {node.kind} {node.time} {_duration(node.size_ms)}{slide}{offset}"


def _sets(node: GroupingSets) -> str:
    return "GroupingSets " + ", ".join(f"({', '.join(one)})" for one in node.sets)


def _aggregate(node: Aggregate) -> str:
    made = ", ".join(_aggregation(a) for a in node.aggregations)
    return f"Aggregate{' windowed' if node.window else ''} by ({', '.join(node.keys)}){_lifetime(node)}" + (
        f": {made}" if made else ""
    )


def _aggregation(made: Aggregation) -> str:
    argument = "*" if made.argument is None else text_of(made.argument)
    condition = f" where {text_of(made.condition)}" if made.condition is not None else ""
    distinct = "DISTINCT " if made.distinct else ""
    return f"{made.column.name} {made.column.kind} = {made.function}({distinct}{argument}){condition}"


def _union(node: Union) -> str:
    return f"Union of {len(node.sources)}"


def _join(node: Join) -> str:
    keys = ", ".join(f"{left} = {right}" for left, right in node.keys)
    parts = [f"Join {node.kind} on ({keys}){' or unknown' if node.nulls else ''}{_lifetime(node)}"]
    if node.condition is not None:
        parts.append(f"where {text_of(node.condition)}")
    if node.within is not None:
        low, high = node.within.low_ms, node.within.high_ms
        parts.append(
            f"within {node.within.left} - {node.within.right} from {_signed(low)} to {_signed(high)}"
        )
    if node.window is not None:
        parts.append(f"window by window ending {node.window}")
    return " ".join(parts)


def _as_of(node: AsOf) -> str:
    keys = ", ".join(f"{left} = {right}" for left, right in node.keys)
    condition = "" if node.condition is None else f" where {text_of(node.condition)}"
    return f"AsOf {node.kind} {node.time or 'now'} on ({keys}){condition}"


def _top(node: Top) -> str:
    order = ", ".join(f"{one.column}{' DESC' if one.descending else ''}" for one in node.order)
    rank = "" if node.rank is None else f", {node.rank} its rank"
    window = "" if node.window is None else f" window by window ending {node.window}"
    return f"Top {node.limit} of ({', '.join(node.keys)}) by ({order}){rank}{window}{_lifetime(node)}"


def _over(node: Over) -> str:
    frame = "all before"
    if node.rows is not None:
        frame = f"{node.rows} rows before"
    elif node.range_ms is not None:
        frame = f"{_duration(node.range_ms)} before"
    made = ", ".join([*map(_aggregation, node.aggregations), *map(_lag, node.lags)])
    time = "the clock" if node.clock else node.time
    return f"Over ({', '.join(node.keys)}) by {time}, {frame}: {made}{_lifetime(node)}"


def _lag(made: Lag) -> str:
    default = "" if made.default is None else f", or {made.default}"
    return f"{made.column.name} {made.column.kind} = {made.of} {made.offset} before{default}"


def _any(node: Node) -> str:
    """A node without words of its own is called by its type."""
    return type(node).__name__


def _beside(node: Beside) -> str:
    made = ", ".join(f"{column.name} {column.kind}" for column in node.columns)
    return f"{type(node).__name__}{' outer' if node.outer else ''} {text_of(node.value)}: {made}"


def _map_batches(node: MapBatches) -> str:
    made = ", ".join(f"{column.name} {column.kind}" for column in node.schema)
    return f"MapBatches {node.function.name}: {made}"


def _process(node: Process) -> str:
    made = ", ".join(f"{column.name} {column.kind}" for column in node.schema)
    return f"Process {node.function.name} by ({', '.join(node.keys)}): {made}"


def _signed(milliseconds: int) -> str:
    return f"-{_duration(-milliseconds)}" if milliseconds < 0 else _duration(milliseconds)


_LINES: dict[type, Callable[..., str]] = {
    Scan: _scan, Filter: _filter, Project: _project, Window: _window, Aggregate: _aggregate, Union: _union,
    GroupingSets: _sets, Join: _join, AsOf: _as_of, Top: _top, Over: _over, Unnest: _beside,
    Expand: _beside, MapBatches: _map_batches, Process: _process,
}  # fmt: skip


def _duration(milliseconds: int) -> str:
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds} ms"


# How tightly an operator binds; what is not here (calls, columns, literals) needs no parentheses.
_BINDING: tuple[tuple[type, int], ...] = (
    (exp.Or, 1),
    (exp.And, 2),
    (exp.Not, 3),
    (exp.Is, 4),
    (exp.Between, 4),
    (exp.In, 4),
    (exp.Predicate, 4),
    (exp.Add, 5),
    (exp.Sub, 5),
    (exp.DPipe, 5),
    (exp.Mul, 6),
    (exp.Div, 6),
    (exp.Mod, 6),
    (exp.Neg, 7),
)


def _binding(node: exp.Expression) -> int:
    # And and Or are calls too in sqlglot; what is a call and nothing else needs no parentheses.
    call = isinstance(node, exp.Func) and not isinstance(node, exp.Connector)
    return 8 if call else next((level for kind, level in _BINDING if isinstance(node, kind)), 8)


def parenthesised(node: exp.Expression) -> exp.Expression:
    """The tree, in place, with `exp.Paren` where its text would otherwise be read as another tree."""
    for child in list(node.iter_expressions()):
        parenthesised(child)
        # a - (b - c), and comparisons do not chain
        right = (child.arg_key == "expression" and isinstance(node, exp.Binary)) or _binding(node) == 4
        if _binding(node) < 8 and _binding(child) < _binding(node) + (1 if right else 0):
            child.replace(exp.Paren(this=child.copy()))
    return node
