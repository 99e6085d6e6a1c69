"""INSERT INTO: a query's columns meet a table's, by position; keys and changes meet what the table can take.

Knows nothing of how rows are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import Aggregate, GroupingSets, Node, Sink, Table, Window, walk
from penstock.engine.run.rules.rewriting import rewrite
from penstock.engine.types import Column, Schema, bare, is_nested, is_row, parts_of, row_fields
from penstock.sql.ddl.types import data_type
from penstock.sql.faults import At, QueryError, did_you_mean
from penstock.sql.lower.over.ranking import settled
from penstock.sql.nodes.build import Item, cast_to, projected
from penstock.sql.nodes.traits import row_key


@dataclass(frozen=True)
class Columns:
    """The columns an INSERT names, if it does, and the places to complain at."""

    names: tuple[str, ...] | None = None
    at: tuple[At, ...] = ()
    items: tuple[At, ...] = ()

    def place(self, index: int, fallback: At) -> At:
        """Where the query's column at `index` was written."""
        return self.items[index] if index < len(self.items) else fallback


def sinked(table: Table, node: Node, at: At = None, columns: Columns | None = None) -> Sink:
    """The sink that fills `table` with a node's rows; raises `QueryError` where they do not fit."""
    columns = columns or Columns()
    node = settled(node)
    _refuse_open_sessions(node, at)
    wanted = _wanted(table, columns)
    if len(node.schema) != len(wanted):
        given = ", ".join(c.name for c in node.schema)
        names = ", ".join(c.name for c in wanted)
        raise QueryError(
            f"`{table.name}` takes {len(wanted)} columns, the query gives {len(node.schema)}",
            at,
            remedy=f"the query gives ({given}), the table takes ({names})",
        )
    for index, (found, target) in enumerate(zip(node.schema, wanted, strict=True)):
        if not fits(found.kind, target.kind):
            raise QueryError(
                f"column `{target.name}` of `{table.name}` is {target.kind}, the query gives `{found.name}` {found.kind}",
                columns.place(index, at),
                remedy=f"CAST({_shown(found)} AS {target.kind})",
            )
    _check_changes(table, node, [c.name for c in wanted], at)
    return Sink(
        table, projected(node, _ordered(table, node, wanted)) if _changes(node, table, wanted) else node
    )


def _refuse_open_sessions(node: Node, at: At) -> None:
    """A session is known only once it has ended: its rows come as groups, or not at all."""
    for step in walk(rewrite(node)):
        grouped = isinstance(step, Aggregate) and step.window
        if not grouped and any(isinstance(one, Window) and one.kind == "SESSION" for one in step.inputs):
            raise QueryError(
                "the rows of a SESSION window are known only once it has ended, and are not grouped",
                at,
                remedy="SELECT …, COUNT(*) … GROUP BY window_start, window_end and the PARTITION BY columns",
            )


def fits(found: str, target: str) -> bool:
    """Whether Flink converts `found` to `target` at a sink unasked: widening of numbers, texts and timestamps
    (LogicalTypeCasts, implicit casts). A decimal may lose digits in front, which the rules of arithmetic give it in
    plenty (0.908 * BIGINT is DECIMAL(24, 3)); one that has them is NULL. Digits behind the point may not be lost."""
    if bare(found) == bare(target):
        return True
    if is_nested(found) and is_nested(target):
        return _parts_fit(bare(found), bare(target))
    if kinds.is_decimal(found) and kinds.is_decimal(target):
        return kinds.digits(found)[1] <= kinds.digits(target)[1]
    if kinds.is_number(found) and kinds.is_decimal(target):
        (p1, s1), (p2, s2) = kinds.digits(found), kinds.digits(target)
        return not kinds.is_float(found) and s1 <= s2 and p1 - s1 <= p2 - s2
    if kinds.is_number(found) and kinds.is_number(target):
        wider = kinds.wider(found, target)
        return (
            wider == target
            or (kinds.is_decimal(found) and kinds.is_float(target))
            or (wider, target) == ("FLOAT", "DOUBLE")
        )
    if kinds.is_text(found) and kinds.is_text(target):
        return True
    if kinds.is_time(found) and kinds.is_time(target):
        return True
    if kinds.name_of(found) == "DATE" and kinds.name_of(target) == "TIMESTAMP":
        return True
    return {kinds.name_of(found), kinds.name_of(target)} <= set(kinds.BINARIES)


def _parts_fit(found: str, target: str) -> bool:
    """The same kind of nesting, and each part fits by its place."""
    if kinds.name_of(found) != kinds.name_of(target):
        return False
    one, other = (
        tuple(f.kind for f in row_fields(kind)) if is_row(kind) else parts_of(kind)
        for kind in (found, target)
    )
    return len(one) == len(other) and all(map(fits, one, other))


def _shown(column: Column) -> str:
    return column.name if not column.name.startswith(("$", "EXPR$")) else "…"


def _wanted(table: Table, columns: Columns) -> Schema:
    if columns.names is None:
        return table.written
    known = {c.name: c for c in table.written}
    for index, name in enumerate(columns.names):
        place = columns.at[index] if index < len(columns.at) else None
        if name not in known:
            computed = any(c.name == name for c in table.schema)
            what = "is computed or read only" if computed else f"is not a column of `{table.name}`"
            raise QueryError(f"`{name}` {what}", place, remedy=did_you_mean(name, known, "columns"))
        if name in columns.names[:index]:
            raise QueryError(f"`{name}` is named twice", place)
    return tuple(known[name] for name in columns.names)


def _changes(node: Node, table: Table, wanted: Schema) -> bool:
    return [c.kind for c in node.schema] != [c.kind for c in wanted] or wanted != table.written


def _ordered(table: Table, node: Node, wanted: Schema) -> list[Item]:
    """The table's columns in its order, cast to its kinds; those that the INSERT leaves out are NULL."""
    if wanted == table.written:
        names = [c.name for c in node.schema]
        return cast_to(node, names, [c.kind for c in wanted])
    given = dict(cast_to(node, [c.name for c in wanted], [c.kind for c in wanted]))
    nothing = {c.name: exp.Cast(this=exp.Null(), to=data_type(c.kind)) for c in table.written}
    for column in table.written:
        if column.name not in given and not column.nullable:
            raise QueryError(f"column `{column.name}` of `{table.name}` is NOT NULL and is left out")
    return [(c.name, given.get(c.name, nothing[c.name])) for c in table.written]


def _check_changes(table: Table, node: Node, names: Sequence[str], at: At) -> None:
    if table.connector in ("print", "blackhole"):
        return
    missing = [key for key in table.key if key not in names]
    if missing:
        raise QueryError(
            f"`{table.name}` needs its key {', '.join(missing)}", at, remedy="select the key's columns"
        )
    if not node.changes or table.changelog:
        return
    if not table.key or table.connector != "upsert-kafka":
        raise QueryError(
            f"the query changes rows it gave before, and `{table.name}` only appends",
            at,
            remedy="'connector'='upsert-kafka' with PRIMARY KEY (…) NOT ENFORCED, or aggregate over a window",
        )
    found = row_key(node)
    at_position = {c.name: name for c, name in zip(node.schema, names, strict=True)}
    key = tuple(at_position[k] for k in found) if found is not None else None
    if key is None or set(key) != set(table.key):
        rows = f"the query's rows are one per ({', '.join(key)})" if key else "the query's rows have no key"
        several = any(isinstance(step, GroupingSets) for step in walk(node))
        grouped = "the columns that are grouped by" + (", and GROUPING_ID(…) of them" if several else "")
        raise QueryError(
            f"{rows}, those of `{table.name}` one per ({', '.join(table.key)})",
            at,
            remedy=f"PRIMARY KEY ({', '.join(key)}) NOT ENFORCED" if key else f"select {grouped}",
        )
