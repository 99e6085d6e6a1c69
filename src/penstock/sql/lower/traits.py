"""What a node's rows promise: which columns are event time, which are a window's, which identify a row.

Read off the tree each time; stores nothing.
"""

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import Aggregate, Filter, Node, Project, Scan, Union, Window

WINDOW_BOUNDS = ("window_start", "window_end")
WINDOW_NAMES = (*WINDOW_BOUNDS, "window_time")


def event_times(node: Node) -> frozenset[str]:
    """The columns that watermarks speak about: a window may be taken over these."""
    match node:
        case Scan():
            return frozenset({node.table.watermark.column} if node.table.watermark else ())
        case Filter():
            return event_times(node.source)
        case Project():
            return _renamed(node, event_times(node.source))
        case Window():
            return frozenset({"window_time"})
        case Aggregate():
            return frozenset({"window_time"} & set(node.keys)) if node.window else frozenset()
        case Union():
            return _by_position(node, [event_times(source) for source in node.sources])


def window_columns(node: Node) -> frozenset[str]:
    """Those of window_start, window_end and window_time that come from a window below."""
    match node:
        case Scan():
            return frozenset()
        case Filter():
            return window_columns(node.source)
        case Project():
            return frozenset(name for name in _same_name(node) if name in window_columns(node.source))
        case Window():
            return frozenset(WINDOW_NAMES)
        case Aggregate():
            return window_columns(node.source) & set(node.keys) if node.window else frozenset()
        case Union():
            return frozenset.intersection(*(window_columns(source) for source in node.sources))


def row_key(node: Node) -> tuple[str, ...] | None:
    """The columns that identify a row of updating input; None where no set of columns is known to."""
    match node:
        case Scan():
            return node.table.key or None
        case Filter():
            return row_key(node.source)
        case Project():
            below = row_key(node.source)
            names = {
                _kept(expr, column.kind, node.source): column.name for column, expr in reversed(node.columns)
            }
            return (
                tuple(names[k] for k in below) if below is not None and set(below) <= names.keys() else None
            )
        case Aggregate():
            return node.keys
        case Window() | Union():
            return None


def expressions(node: Node) -> list[exp.Expression]:
    """The scalar expressions that stand in a node itself."""
    match node:
        case Filter():
            return [node.condition]
        case Project():
            return [expr for _, expr in node.columns]
        case Aggregate():
            parts = [part for a in node.aggregations for part in (a.argument, a.condition)]
            return [part for part in parts if part is not None]
        case _:
            return []


def _kept(expr: exp.Expression, kind: str, source: Node) -> str:
    """The column whose values an expression keeps apart: a bare one, or an integer in a wider kind."""
    if isinstance(expr, exp.Column):
        return expr.name
    if isinstance(expr, exp.Cast) and isinstance(expr.this, exp.Column):
        found = next(c.kind for c in source.schema if c.name == expr.this.name)
        if kinds.is_integer(found) and kinds.is_integer(kind) and kinds.wider(found, kind) == kind:
            return expr.this.name
    return ""


def _renamed(node: Project, below: frozenset[str]) -> frozenset[str]:
    return frozenset(
        c.name for c, expr in node.columns if isinstance(expr, exp.Column) and expr.name in below
    )


def _same_name(node: Project) -> list[str]:
    return [c.name for c, expr in node.columns if isinstance(expr, exp.Column) and expr.name == c.name]


def _by_position(node: Union, times: list[frozenset[str]]) -> frozenset[str]:
    places = [
        {index for index, column in enumerate(source.schema) if column.name in names}
        for source, names in zip(node.sources, times, strict=True)
    ]
    return frozenset(node.schema[index].name for index in set.intersection(*places))
