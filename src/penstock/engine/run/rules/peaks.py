"""A window's aggregate that is joined with its own best value hands on the rows that hold it, and no others.

In ``counted JOIN (SELECT MAX(n) AS most … FROM counted GROUP BY window) ON … AND n >= most`` a row finds a partner only if
its `n` is the largest of its window, whatever else is asked, and MAX over such rows alone is the same: nobody needs the
others (WinMagic, Zuzarte et al., SIGMOD 2003, takes such joins for what they are, too). Knows plan nodes; knows nothing of operators.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from penstock.engine.plan import (
    WINDOW_NAMES,
    Aggregate,
    Filter,
    Join,
    Node,
    Peak,
    Project,
    Window,
    conjuncts,
    walk,
)
from penstock.engine.run.rules.calls import has_call
from penstock.engine.types import Expr, polars_type

Found = tuple[Aggregate, Peak]


def only_peaks(plans: Sequence[Node]) -> list[Node]:
    """The plans, in which an aggregate that is read for its peaks alone gives no more."""
    parts = [part for plan in plans for part in walk(plan)]
    found = [one for part in parts if isinstance(part, Join) for one in _peaks(part)]
    made = list(plans)
    for at, (source, peak) in enumerate(found):
        alike = sum(one == (source, peak) for one in found)
        uses = sum(part == source for part in parts)
        if (source, peak) not in found[:at] and uses == 2 * alike:  # each such join reads it twice
            told = replace(source, peak=peak)
            made = [_put(plan, source, told) for plan in made]
    return made


def _put(node: Node, old: Node, new: Node) -> Node:
    return new if node == old else node.on(*(_put(one, old, new) for one in node.inputs))


def _peaks(join: Join) -> Iterator[Found]:
    """The aggregate, once, of which both sides of a join are, and the rows of it that may find a partner."""
    if join.window is None or join.kind != "INNER" or has_call(join.expressions):
        return
    for upper, lower in _compared(join):
        for many, one, function in ((upper, lower, "MAX"), (lower, upper, "MIN")):
            source = _aggregate_of(_side(join, many), many, (Project, Filter))
            best = _aggregate_of(_side(join, one), one, (Project,))
            if source is not None and best is not None and _is_best(*best, *source, function):
                yield source[0], Peak(source[1], function == "MAX")
                return


def _compared(join: Join) -> Iterator[tuple[str, str]]:
    """Pairs of columns of which the first is no smaller than the second wherever a pair of rows is joined."""
    for left, right in join.keys:
        yield left, right
        yield right, left
    for part in [] if join.condition is None else conjuncts(join.condition):
        one, other = part.args.get("this"), part.args.get("expression")
        if isinstance(one, exp.Column) and isinstance(other, exp.Column):
            if isinstance(part, exp.GTE):
                yield one.name, other.name
            elif isinstance(part, exp.LTE):
                yield other.name, one.name


def _side(join: Join, column: str) -> Node:
    return join.left if any(one.name == column for one in join.left.schema) else join.right


def _aggregate_of(node: Node, name: str, passed: tuple[type[Node], ...]) -> tuple[Aggregate, str] | None:
    """The windows' aggregate below steps that are looked through, and what it calls a column."""
    while isinstance(node, passed) and not has_call(node.expressions):
        made: Expr | None = exp.column(name)
        if isinstance(node, Project):
            made = next((expr for column, expr in node.columns if column.name == name), None)
        if not isinstance(made, exp.Column):
            return None
        name, (node,) = made.name, node.inputs
    return (node, name) if isinstance(node, Aggregate) and node.window and not node.late_ms else None


def _is_best(best: Aggregate, most: str, source: Aggregate, column: str, function: str) -> bool:
    """Whether `best` is, for each of the windows of `source`, the largest or smallest value of one of its columns, and
    nothing else."""
    window = source.source
    if not isinstance(window, Window) or window.kind == "SESSION" or not _is_exact(source, column):
        return False
    if most in best.keys or not all(_is_of(best, one, source, WINDOW_NAMES) for one in best.keys):
        return False
    asked = [one.argument for one in best.aggregations if one.function.upper() == function]
    return len(asked) == len(best.aggregations) and all(
        isinstance(one, exp.Column) and _is_of(best, one.name, source, (column,)) for one in asked
    ) and not any(one.condition for one in best.aggregations)  # fmt: skip


def _is_of(best: Aggregate, name: str, source: Aggregate, names: Sequence[str]) -> bool:
    """Whether a column that `best` reads is one of those of `source`."""
    below = _aggregate_of(best.source, name, (Project,))
    return below is not None and below[0] == source and below[1] in names


def _is_exact(source: Aggregate, column: str) -> bool:
    """Whether it is an aggregate whose values are equal or not: floating point numbers have one that is neither."""
    kinds = [one.column.kind for one in source.aggregations if one.column.name == column]
    types = [polars_type(kind) for kind in kinds]
    return bool(types) and all(kind.is_integer() or kind.is_decimal() or kind.is_temporal() for kind in types)
