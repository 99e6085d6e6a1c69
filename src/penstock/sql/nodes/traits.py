"""What a node's rows promise: which columns are event time, which are a window's, which identify a row.

Read off the tree each time; stores nothing.
"""

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import (
    SET,
    WINDOW_NAMES,
    Aggregate,
    AsOf,
    Beside,
    Filter,
    GroupingSets,
    Join,
    Node,
    Over,
    Project,
    Repeat,
    Scan,
    Top,
    Union,
    Window,
)
from penstock.engine.plan.user import MapBatches, Process

WINDOW_BOUNDS = ("window_start", "window_end")


def event_times(node: Node) -> frozenset[str]:
    """The columns that watermarks speak about: a window may be taken over these."""
    match node:
        case Scan():
            return frozenset({node.table.watermark.column} if node.table.watermark else ())
        case Project():
            return _renamed(node, event_times(node.source))
        case Window():
            return frozenset({"window_time"})
        case Aggregate():
            return frozenset({"window_time"} & set(node.keys)) if node.window else frozenset()
        case Union():
            return _by_position(node, [event_times(source) for source in node.sources])
        case Join():
            settled = node.within is not None or node.window is not None
            return event_times(node.left) | event_times(node.right) if settled else frozenset()
        case AsOf():
            return event_times(node.left)
        case Top():
            return event_times(node.source) if node.window is not None else frozenset()
        case Over() if node.waits_by_clock:
            return frozenset()
        case Filter() | Over() | Beside():
            return event_times(node.source)
        case GroupingSets():
            return event_times(node.source).difference(node.keys)
        case Repeat():
            return frozenset()
        case MapBatches() | Process():
            return frozenset() if node.time is None else frozenset({node.time})
    raise AssertionError(node)


def clock_times(node: Node) -> frozenset[str]:
    """The columns that are PROCTIME(): the wall's clock at the moment a row is looked at."""
    match node:
        case Scan():
            return frozenset(name for name, expr in node.table.computed if is_proctime(expr))
        case Project():
            asked = frozenset(column.name for column, expr in node.columns if is_proctime(expr))
            return asked | _renamed(node, clock_times(node.source))
        case Filter() | Over() | Beside():
            return clock_times(node.source)
        case AsOf():
            return clock_times(node.left)
    return frozenset()


def is_proctime(expr: exp.Expression) -> bool:
    """Whether an expression is PROCTIME()."""
    return isinstance(expr, exp.Anonymous) and expr.name.upper() == "PROCTIME"


def window_columns(node: Node) -> frozenset[str]:
    """Those of window_start, window_end and window_time that come from a window below, under their own names."""
    return frozenset(name for name, role in window_roles(node).items() if name == role)


def window_roles(node: Node) -> dict[str, str]:
    """The columns that come from a window below, whatever they are called now, and which of its three each is."""
    match node:
        case Scan():
            return {}
        case Project():
            below = window_roles(node.source)
            return {
                c.name: below[e.name]
                for c, e in node.columns
                if isinstance(e, exp.Column) and e.name in below
            }
        case Window():
            return {name: name for name in WINDOW_NAMES}
        case Aggregate():
            kept = window_roles(node.source).items() if node.window else ()
            return {name: role for name, role in kept if name in node.keys}
        case Union():
            return _roles_by_position(node)
        case Join():
            if node.window is None:
                return {}
            return {**window_roles(node.left), **window_roles(node.right)}
        case AsOf():
            return window_roles(node.left)
        case Filter() | Over() | Top() | Beside():
            return window_roles(node.source)
        case GroupingSets():
            return {n: role for n, role in window_roles(node.source).items() if n not in node.keys}
        case MapBatches() | Process() | Repeat():
            return {}
    raise AssertionError(node)


def _roles_by_position(node: Union) -> dict[str, str]:
    each = [window_roles(source) for source in node.sources]
    made = {}
    for place, column in enumerate(node.schema):
        roles = {
            roles.get(source.schema[place].name) for roles, source in zip(each, node.sources, strict=True)
        }
        if len(roles) == 1 and (role := roles.pop()) is not None:
            made[column.name] = role
    return made


Key = tuple[str, ...]


def row_key(node: Node) -> Key | None:
    """The columns that identify a row of updating input; None where no set of columns is known to."""
    match node:
        case Scan():
            return node.table.key or None
        case Filter() | Over():
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
        case Top():
            return _key_of_top(node)
        case Join():
            return _key_of_join(node)
        case AsOf():
            return row_key(node.left)
        case Window() | Union() | Beside() | GroupingSets() | MapBatches() | Process() | Repeat():
            return None
    raise AssertionError(node)


def _key_of_top(node: Top) -> Key | None:
    if node.limit == 1:
        return node.keys
    if node.rank is not None:
        return (*node.keys, node.rank)
    return row_key(node.source)


def _key_of_join(node: Join) -> Key | None:
    """Both sides' keys; one side's is enough where the other matches at most once."""
    left, right = row_key(node.left), row_key(node.right)
    if node.kind in ("SEMI", "ANTI"):
        return left
    if left is not None and right is not None and node.kind != "FULL":
        once_right = set(right) <= {key for _, key in node.keys}
        once_left = set(left) <= {key for key, _ in node.keys}
        if once_right and node.kind in ("INNER", "LEFT"):
            return left
        if once_left and node.kind in ("INNER", "RIGHT"):
            return right
    return None if left is None or right is None or node.kind != "INNER" else (*left, *right)


def _kept(expr: exp.Expression, kind: str, source: Node) -> str:
    """The column whose values an expression keeps apart: a bare one, an integer in a wider kind, or which grouping set
    a row is of."""
    if isinstance(expr, exp.Column):
        return expr.name
    if isinstance(expr, exp.Case) and _tells_set(expr):
        return SET.name
    if isinstance(expr, exp.Cast) and isinstance(expr.this, exp.Column):
        found = next(c.kind for c in source.schema if c.name == expr.this.name)
        if kinds.is_integer(found) and kinds.is_integer(kind) and kinds.wider(found, kind) == kind:
            return expr.this.name
    return ""


def _tells_set(expr: exp.Case) -> bool:
    """Whether it is GROUPING_ID(…), or its like, with another value for each grouping set."""
    subjects = [one.this.this if isinstance(one.this, exp.EQ) else None for one in expr.args["ifs"]]
    values = [*(one.args["true"] for one in expr.args["ifs"]), expr.args.get("default")]
    of_set = all(isinstance(one, exp.Column) and one.name == SET.name for one in subjects)
    return of_set and expr.this is None and len(set(values)) == len(values)


def _renamed(node: Project, below: frozenset[str]) -> frozenset[str]:
    return frozenset(
        c.name for c, expr in node.columns if isinstance(expr, exp.Column) and expr.name in below
    )


def _by_position(node: Union, times: list[frozenset[str]]) -> frozenset[str]:
    places = [
        {index for index, column in enumerate(source.schema) if column.name in names}
        for source, names in zip(node.sources, times, strict=True)
    ]
    return frozenset(node.schema[index].name for index in set.intersection(*places))
