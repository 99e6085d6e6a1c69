"""Plan nodes with their checks: the one way SQL and the Python API make them, so equal queries make equal plans.

Takes bound expressions; raises `QueryError` at the part that is wrong. Knows no SQL text and no clauses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import WINDOW_NAMES, Node, Project, Union, Window
from penstock.engine.types import Column
from penstock.sql.ddl.types import data_type
from penstock.sql.faults import At, QueryError, did_you_mean
from penstock.sql.nodes.kinds import kind
from penstock.sql.nodes.traits import clock_times, event_times

WINDOWS_PER_ROW_MAX = 10_000

Item = tuple[str, exp.Expression]


def columns_of(node: exp.Expression) -> set[str]:
    """The names of the columns an expression reads."""
    return {column.name for column in node.find_all(exp.Column)}


def projected(node: Node, items: Sequence[Item]) -> Node:
    """New columns; the node itself where they are its own, in order, and one projection for two where that computes nothing twice."""
    made = tuple((column(name, expr, node), expr) for name, expr in items)
    same = [isinstance(expr, exp.Column) and expr.name == c.name for c, expr in made]
    if all(same) and tuple(c for c, _ in made) == node.schema:
        return node
    if isinstance(node, Project) and _once(node, made):
        below = {c.name: expr for c, expr in node.columns}
        return Project(node.source, tuple((c, _through(expr, below)) for c, expr in made))
    return Project(node, made)


def _once(node: Project, made: Sequence[tuple[Column, exp.Expression]]) -> bool:
    """Whether no computed column of the projection below is read twice, so that both can be one."""
    reads = [part.name for _, expr in made for part in expr.find_all(exp.Column)]
    return all(isinstance(expr, exp.Column) or reads.count(c.name) <= 1 for c, expr in node.columns)


def _through(expr: exp.Expression, below: Mapping[str, exp.Expression]) -> exp.Expression:
    """The expression over what the projection below reads."""
    return expr.transform(lambda part: below[part.name].copy() if isinstance(part, exp.Column) else part)


def column(name: str, expr: exp.Expression, node: Node) -> Column:
    """The column an expression makes; a bare column keeps whether it may be null."""
    if isinstance(expr, exp.Column):
        known = next(c for c in node.schema if c.name == expr.name)
        return replace(known, name=name)
    found = kind(expr, node.schema)
    if found == kinds.NULL or kinds.is_interval(found):
        raise QueryError(
            f"a column cannot be {found}", expr, remedy="CAST(… AS type) says which type is meant"
        )
    return Column(name, found)


def windowed(node: Node, kind_: str, time: str, sizes: tuple[int, int, int], at: At = None) -> Window:
    """Rows with their windows; `sizes` are size, slide and offset in milliseconds."""
    size_ms, slide_ms, offset_ms = sizes
    names = [c.name for c in node.schema]
    if time not in names:
        raise QueryError(f"there is no column `{time}`", at, remedy=did_you_mean(time, names, "columns"))
    clock = time in clock_times(node)
    if not clock and time not in event_times(node):
        raise QueryError(
            f"`{time}` is not an event-time column, so no window can be taken over it",
            at,
            remedy=f"declare it in CREATE TABLE: WATERMARK FOR `{time}` AS `{time}` - INTERVAL '5' SECOND",
        )
    if node.changes:
        raise QueryError(
            "a window over rows that change is not offered yet",
            at,
            remedy="take the window over the kafka table",
        )
    clash = next((n for n in names if n in WINDOW_NAMES), None)
    if clash:
        raise QueryError(
            f"the window's column {clash} is there already",
            at,
            remedy=f"leave `{clash}` out of the rows below",
        )
    if size_ms <= 0 or slide_ms <= 0:
        raise QueryError("a window's size, slide, step and gap must be more than nothing", at)
    if slide_ms > size_ms or size_ms % slide_ms:
        # Flink's rule for both, as panes need it.
        what, form = ("cumulating", "step") if kind_ == "CUMULATE" else ("hopping", "slide")
        raise QueryError(
            f"a {what} window's size must be a multiple of its {form}", at, remedy=f"{kind_}(…, {form}, size)"
        )
    if size_ms // slide_ms > WINDOWS_PER_ROW_MAX:
        raise QueryError(
            f"each row would be in {size_ms // slide_ms} windows", at, remedy="choose a larger slide"
        )
    whole_ms = size_ms if kind_ == "CUMULATE" else slide_ms
    return Window(node, kind_, time, size_ms, slide_ms, offset_ms % whole_ms, clock=clock)


def unioned(nodes: Sequence[Node], at: Sequence[At], word: str = "UNION ALL") -> Node:
    """All rows of all nodes; columns meet by position, in the kind both widen to and under the first one's names."""
    first = nodes[0].schema
    meeting = [c.kind for c in first]
    for node, place in zip(nodes[1:], at[1:], strict=True):
        if len(node.schema) != len(first):
            raise QueryError(
                f"{word} of {len(first)} and {len(node.schema)} columns",
                place,
                remedy="select as many columns on both sides; CAST(NULL AS type) stands for one that is not there",
            )
        for index, column_ in enumerate(node.schema):
            wider = kinds.wider(meeting[index], column_.kind)
            if wider is None:
                raise QueryError(
                    f"{word}: column `{column_.name}` is {column_.kind}, `{first[index].name}` is {meeting[index]}",
                    place,
                    remedy=f"CAST({column_.name} AS {meeting[index]})",
                )
            meeting[index] = wider
    names = [c.name for c in first]
    sources = [projected(node, cast_to(node, names, meeting)) for node in nodes]
    return Union(
        tuple(s for source in sources for s in (source.sources if isinstance(source, Union) else (source,)))
    )


def cast_to(node: Node, names: Sequence[str], wanted: Sequence[str]) -> list[Item]:
    """The node's columns by position under other names, cast where their kind differs."""
    return [
        (name, quoted(c.name) if c.kind == target else exp.Cast(this=quoted(c.name), to=data_type(target)))
        for name, target, c in zip(names, wanted, node.schema, strict=True)
    ]


def quoted(name: str) -> exp.Column:
    """A column reference as the plan has it."""
    return exp.column(name, quoted=True)
