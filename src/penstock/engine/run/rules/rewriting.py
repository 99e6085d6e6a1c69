"""Rules that turn a plan into one that runs faster and means the same. Each takes a node and returns a node.

Knows plan nodes; knows nothing of operators.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from sqlglot import exp

from penstock.engine.plan import (
    WINDOW_NAMES,
    Aggregate,
    Filter,
    GroupingSets,
    Node,
    Project,
    Scan,
    Window,
    columns_of,
    conjuncts,
    walk,
)
from penstock.engine.plan.tests import Test, place_of, tests_of
from penstock.engine.run.rules.calls import all_of, has_call
from penstock.engine.types import Column, Expr, is_row, row_fields, row_kind


def rewrite(node: Node) -> Node:
    """All rules, from the sources up."""
    node = node.on(*(rewrite(source) for source in node.inputs))
    for rule in RULES:
        node = rule(node)
    return node


def merge_projections(node: Node) -> Node:
    """A projection of a projection is one, where no computation would be done twice."""
    if not (isinstance(node, Project) and isinstance(node.source, Project)):
        return node
    inner = {column.name: (column, expr) for column, expr in node.source.columns}
    uses: dict[str, int] = {}
    for _, expr in node.columns:
        for column in expr.find_all(exp.Column):
            uses[column.name] = uses.get(column.name, 0) + 1
    if any(
        count > 1 and not isinstance(inner[name][1], exp.Column)
        for name, count in uses.items()
        if name in inner
    ):
        return node
    columns = tuple((column, _substituted(expr, inner)) for column, expr in node.columns)
    return Project(node.source.source, columns)


def _substituted(expr: Expr, inner: dict[str, tuple[Column, Expr]]) -> Expr:
    def put(part: Expr) -> Expr:
        if not isinstance(part, exp.Column) or part.name not in inner:
            return part
        made = inner[part.name][1].copy()
        return made if isinstance(made, exp.Column) else exp.Paren(this=made)

    return expr.copy().transform(put)


def sink_window(node: Node) -> Node:
    """Under a window's aggregate, filters, projections and grouping sets that do not read the window go below it.

    Then the aggregate stands on the Window itself, and time can be cut into slices.
    """
    if not (isinstance(node, Aggregate) and node.window):
        return node
    source = node.source
    chain: list[Filter | Project | GroupingSets] = []
    while isinstance(source, Filter | Project | GroupingSets):
        chain.append(source)
        source = source.source
    if not isinstance(source, Window) or not chain:
        return node
    moved: Node = source.source
    for step in reversed(chain):
        below = _below(step, moved, source)
        if below is None:
            return node
        moved = below
    return replace(node, source=replace(source, source=moved))


def _below(step: Filter | Project | GroupingSets, moved: Node, window: Window) -> Node | None:
    if isinstance(step, GroupingSets):
        return None if window.kind == "SESSION" else step.on(moved)  # sessions are of rows, not of sets
    if isinstance(step, Filter):
        return None if columns_of(step.condition) & set(WINDOW_NAMES) else Filter(moved, step.condition)
    columns = []
    for column, expr in step.columns:
        if isinstance(expr, exp.Column) and expr.name in WINDOW_NAMES and expr.name == column.name:
            continue
        if columns_of(expr) & set(WINDOW_NAMES) or column.name in WINDOW_NAMES:
            return None
        columns.append((column, expr))
    held = next((expr for column, expr in columns if column.name == window.time), None)
    if held is None:
        time = next(c for c in moved.schema if c.name == window.time)
        columns.append((time, exp.column(time.name, quoted=True)))
    elif not (isinstance(held, exp.Column) and held.name == window.time):
        return None
    return Project(moved, tuple(columns))


def test_early(node: Node) -> Node:
    """What a filter asks of the columns of a scan below it, the scan is told: its rows may be tested before they are made."""
    if not isinstance(node, Filter) or has_call((node.condition,)):
        return node
    return replace(node, source=_told(node.source, conjuncts(node.condition)))


def _told(node: Node, conditions: Sequence[Expr]) -> Node:
    if isinstance(node, Scan) and node.table.tested:
        tests = [test for one in conditions for test in tests_of(one, node.table.stored)]
        return replace(node, tests=tuple(dict.fromkeys((*node.tests, *tests))))
    if not _is_passed(node):
        return node
    (source,) = node.inputs
    below = (_below_projection(one, node) for one in conditions)
    return node.on(_told(source, [one for one in below if one is not None]))


def _is_passed(node: Node) -> bool:
    """Whether conditions on rows may be asked below: a user's function is called for the rows that it was called for."""
    return isinstance(node, Filter | Project) and not has_call(node.expressions)


def _below_projection(condition: Expr, node: Node) -> Expr | None:
    """A condition over the rows below, where it reads what a projection hands on."""
    if not isinstance(node, Project):
        return condition
    made = {column.name: (column, expr) for column, expr in node.columns}
    known = {column.name: column.kind for column in node.source.schema}
    bare = {name for name, (_, expr) in made.items() if place_of(expr, known)[1]}
    return _substituted(condition, made) if columns_of(condition) <= bare else None


RULES = (merge_projections, sink_window, test_early)


def prune(node: Node, wanted: AbstractSet[str]) -> Node:
    """Only the columns that are read: the smaller a scan, the less is decoded."""
    node = node.narrowed(wanted)
    below = zip(node.inputs, node.reads(wanted), strict=True)
    made = [
        prune(source, read) if not node.keeps_rows else fitted(prune(source, read), read)
        for source, read in below
    ]
    return node.on(*made)


def fitted(node: Node, wanted: AbstractSet[str]) -> Node:
    """Nothing but the wanted columns, and one at least, for an operator that keeps whole rows."""
    kept = tuple(column for column in node.schema if column.name in wanted) or node.schema[:1]
    if len(kept) == len(node.schema) and wanted:
        return node
    return Project(node, tuple((column, exp.column(column.name, quoted=True)) for column in kept))


def scanned(node: Node, wanted: AbstractSet[str], into: dict[str, set[str]]) -> None:
    """Note in `into` which columns of each table are read, by a pruned plan."""
    if isinstance(node, Scan):
        into.setdefault(node.table.name, set()).update(wanted)
    for source, read in zip(node.inputs, node.reads(wanted), strict=True):
        scanned(source, read, into)


Tests = dict[str, tuple[Test, ...]]


def tests_common(nodes: Sequence[Node]) -> Tests:
    """By table, the tests that all its scans make: a row that fails one of them, nobody wants."""
    made: Tests = {}
    for scan in (part for node in nodes for part in walk(node) if isinstance(part, Scan)):
        known = made.get(scan.table.name, scan.tests)
        made[scan.table.name] = tuple(test for test in known if test in scan.tests)
    return made


def without_tested(node: Node, tests: Tests) -> Node:
    """The plan without conditions that all rows of the scans below fulfil."""
    node = node.on(*(without_tested(source, tests) for source in node.inputs))
    if not isinstance(node, Filter) or has_call((node.condition,)):
        return node
    left = [one for one in conjuncts(node.condition) if not _is_tested(one, node.source, tests)]
    rest = all_of(left)
    return node.source if rest is None else Filter(node.source, rest)


def _is_tested(condition: Expr, node: Node, tests: Tests) -> bool:
    if isinstance(node, Scan):
        found = tests_of(condition, node.table.stored) if node.table.tested else ()
        return bool(found) and set(found) <= set(tests.get(node.table.name, ()))
    below = _below_projection(condition, node) if _is_passed(node) else None
    return below is not None and _is_tested(below, node.inputs[0], tests)


Fields = dict[str, dict[str, set[str] | None]]


def fields_read(nodes: Sequence[Node]) -> Fields:
    """By table and column, the fields of a nested row that are read; None where the row is wanted whole."""
    made: Fields = {}
    for node in nodes:
        _note_fields(node, made, root=True)
    return made


def _note_fields(node: Node, made: Fields, root: bool = False) -> None:
    below = node.inputs
    scan = _scan_below(node)
    if scan is not None and root:
        _note(scan, {c.name for c in scan.schema}, (), made)
    for source in below:
        scan = _scan_below(source)
        if scan is not None:
            whole = set() if isinstance(node, Filter) else _bare(node, source)
            _note(scan, whole, node.expressions, made)
        _note_fields(source, made)
    if isinstance(node, Scan):
        _note(node, set(), tuple(expr for _, expr in node.table.computed), made)


def _scan_below(node: Node) -> Scan | None:
    while isinstance(node, Filter):
        node = node.source
    return node if isinstance(node, Scan) else None


def _bare(node: Node, source: Node) -> set[str]:
    """The columns of an input that a node hands on or sorts by, rather than reads in an expression."""
    read = node.reads({c.name for c in node.schema})[node.inputs.index(source)]
    return read if not isinstance(node, Project) else set()


def _note(scan: Scan, whole: set[str], expressions: Sequence[Expr], made: Fields) -> None:
    nested = {c.name for c in scan.schema if is_row(c.kind)}
    found = made.setdefault(scan.table.name, {})
    for name in whole & nested:
        found[name] = None
    for expr in expressions:
        for column in expr.find_all(exp.Column):
            if column.name not in nested:
                continue
            fields = found.setdefault(column.name, set())
            if not isinstance(column.parent, exp.Dot):
                found[column.name] = None
            elif fields is not None:
                fields.add(column.parent.expression.name)


def narrower(column: Column, fields: set[str] | None) -> Column:
    """A nested row with only some of its fields."""
    if fields is None or not is_row(column.kind):
        return column
    kept = [field for field in row_fields(column.kind) if field.name in fields]
    return replace(column, kind=row_kind(kept)) if kept else column
