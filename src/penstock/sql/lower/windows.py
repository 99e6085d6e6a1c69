"""Windows: ``TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), size))`` and the older ``GROUP BY TUMBLE(ts, size)``.

Source: Flink documentation, "Windowing table-valued functions" and "Group Window Aggregation". Knows what a window
function's arguments mean; which window a row is in is the engine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from penstock.engine.plan import Node, Window
from penstock.sql.dialect import WINDOW_FUNCTIONS, Descriptor, TableArgument, TableFunction
from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.lower.binder import Scope
from penstock.sql.nodes.build import windowed
from penstock.sql.nodes.intervals import milliseconds

# The arguments after the table, in order, and how many of them must be there.
ARGUMENTS: dict[str, tuple[tuple[str, ...], int]] = {
    "TUMBLE": (("TIMECOL", "SIZE", "OFFSET"), 2),
    "HOP": (("TIMECOL", "SLIDE", "SIZE", "OFFSET"), 3),
    "CUMULATE": (("TIMECOL", "STEP", "SIZE", "OFFSET"), 3),
    "SESSION": (("TIMECOL", "GAP"), 2),
}
USAGE = {
    "TUMBLE": "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
    "HOP": "TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '30' SECOND))  -- slide, size",
    "CUMULATE": "TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))  -- step, size",
    "SESSION": "TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' MINUTE))",
}
LEGACY_USAGE = {
    "TUMBLE": "GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)",
    "HOP": "GROUP BY HOP(ts, INTERVAL '1' SECOND, INTERVAL '30' SECOND)  -- slide, size",
    "SESSION": "GROUP BY k, SESSION(ts, INTERVAL '10' MINUTE)",
    "CUMULATE": USAGE["CUMULATE"],
}
WANTS = {"HOP": "slide and size", "SESSION": "a gap"}
# What the older form calls the columns of its window.
LEGACY_COLUMNS = {"START": "window_start", "END": "window_end", "ROWTIME": "window_time"}


def check_kind(name: str, at: exp.Expression) -> None:
    """Raise for table functions that are no windows."""
    if name not in ARGUMENTS:
        raise QueryError(
            f"there is no table function {name}",
            at,
            remedy=did_you_mean(name, WINDOW_FUNCTIONS, "table functions"),
        )


def table_argument(function: TableFunction) -> exp.Table:
    """The table a window function is over; raises for functions and arguments that are not offered."""
    name = str(function.this)
    check_kind(name, function)
    first = function.expressions[0] if function.expressions else None
    named = [a for a in function.expressions if isinstance(a, exp.Kwarg) and a.this.name.upper() == "DATA"]
    first = named[0].expression if named else first
    if not isinstance(first, TableArgument) or not isinstance(first.this, exp.Table):
        raise QueryError(
            f"{name} takes TABLE and a table's name first", first or function, remedy=USAGE[name]
        )
    if first.args.get("partition") and name != "SESSION":
        raise QueryError(
            f"{name} takes no PARTITION BY",
            first.args["partition"][0],
            remedy="put the columns into GROUP BY",
        )
    return first.this


def over_table(function: TableFunction, source: Node) -> Window:
    """The window a table function makes over its table's rows."""
    name = str(function.this)
    given = _arguments(name, function)
    descriptor = given["TIMECOL"]
    if not isinstance(descriptor, Descriptor) or len(descriptor.expressions) != 1:
        raise QueryError(f"{name} takes DESCRIPTOR(time column)", descriptor, remedy=USAGE[name])
    time = descriptor.expressions[0]
    made = windowed(source, name, time.name, _sizes(name, given), time)
    partition = given["DATA"].args.get("partition") if name == "SESSION" else None
    if not partition:
        return made
    scope = Scope(source.schema)
    return replace(made, keys=tuple(scope.column(column).name for column in partition))


def _arguments(name: str, function: TableFunction) -> dict[str, exp.Expression]:
    names, least = ARGUMENTS[name]
    given: dict[str, exp.Expression] = {}
    for position, argument in enumerate(function.expressions):
        if isinstance(argument, exp.Kwarg):
            key = argument.this.name.upper()
            if key not in ("DATA", *names):
                raise QueryError(
                    f"{name} has no argument {key}", argument, remedy=f"DATA, {', '.join(names)}"
                )
            given[key] = argument.expression
        elif position == 0:
            given["DATA"] = argument
        elif position <= len(names):
            given[names[position - 1]] = argument
        else:
            raise QueryError(f"{name} takes at most {len(names) + 1} arguments", argument, remedy=USAGE[name])
    missing = [n for n in names[:least] if n not in given]
    if missing:
        raise QueryError(f"{name} lacks its {', '.join(missing)}", function, remedy=USAGE[name])
    return given


def _sizes(name: str, given: dict[str, exp.Expression]) -> tuple[int, int, int]:
    if name == "SESSION":
        gap_ms = milliseconds(given["GAP"], "the session's gap")
        return gap_ms, gap_ms, 0
    size_ms, slide_ms = milliseconds(given["SIZE"], "the window's size"), 0
    for part in ("SLIDE", "STEP"):
        if part in given:
            slide_ms = milliseconds(given[part], f"the window's {part.lower()}")
    slide_ms = slide_ms if name in ("HOP", "CUMULATE") else size_ms
    offset_ms = milliseconds(given["OFFSET"], "the window's offset") if "OFFSET" in given else 0
    return size_ms, slide_ms, offset_ms


@dataclass(frozen=True, slots=True)
class GroupWindow:
    """A window function in GROUP BY, by value: calls like TUMBLE_START must repeat its arguments."""

    name: str
    time: str
    sizes: tuple[int, int, int]
    at: exp.Expression

    def matches(self, call: exp.Expression) -> bool:
        """Whether a TUMBLE_START (…) has this window's arguments."""
        other = _group_window(self.name, call)
        return (other.time, other.sizes) == (self.time, self.sizes)


def group_window(node: exp.Expression) -> GroupWindow | None:
    """The window a GROUP BY expression is, if it is one."""
    name = node.name.upper() if isinstance(node, exp.Anonymous) else ""
    if name not in WINDOW_FUNCTIONS:
        return None
    if name == "CUMULATE":
        raise QueryError("CUMULATE stands in FROM", node, remedy=USAGE[name])
    return _group_window(name, node)


def _group_window(name: str, node: exp.Expression) -> GroupWindow:
    names, least = ARGUMENTS[name]
    given: dict[str, exp.Expression] = dict(zip(names, node.expressions, strict=False))
    time = given.get("TIMECOL")
    if not least <= len(node.expressions) <= len(names) or not isinstance(time, exp.Column):
        raise QueryError(
            f"{name} takes a time column and {WANTS.get(name, 'a size')}",
            node,
            remedy=LEGACY_USAGE[name],
        )
    return GroupWindow(name, time.name, _sizes(name, given), node)


def grouped_windows(nodes: Sequence[exp.Expression]) -> list[GroupWindow]:
    """The window functions among GROUP BY's expressions: at most one."""
    found = [window for window in map(group_window, nodes) if window]
    if len(found) > 1:
        raise QueryError(
            "one GROUP BY takes one window", found[1].at, remedy="aggregate in two steps, with a view"
        )
    return found


def resolved(node: exp.Expression, window: GroupWindow | None) -> exp.Expression:
    """The expression with TUMBLE_START(…) and its like as the window's columns."""
    return node.transform(lambda part: _auxiliary(part, window), copy=True)


def _auxiliary(node: exp.Expression, window: GroupWindow | None) -> exp.Expression:
    if not isinstance(node, exp.Anonymous):
        return node
    name, _, what = node.name.upper().rpartition("_")
    if name not in WINDOW_FUNCTIONS or what not in (*LEGACY_COLUMNS, "PROCTIME"):
        return node
    if what == "PROCTIME":
        raise QueryError(f"{name}_PROCTIME is not offered", node, remedy="PROCTIME()")
    if window is None or window.name != name or not window.matches(node):
        raise QueryError(
            f"{name}_{what} needs GROUP BY {name} with the same arguments",
            node,
            remedy=LEGACY_USAGE.get(name, ""),
        )
    made = exp.column(LEGACY_COLUMNS[what], quoted=True)
    made.this.update_positions(node)
    return made
