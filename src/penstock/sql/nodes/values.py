"""VALUES: rows that stand in the script. They are unnested from one array, beside the only row of a bounded table.

That table is read as any other: its position is in the job's commits, so the rows come once, whatever is killed.
Source: SQL:2016, 7.3; Flink documentation, "VALUES". Knows expressions; knows no clauses.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.plan import Node, Scan, Table, Unnest
from penstock.engine.types import Column, Schema
from penstock.sql.ddl.types import data_type
from penstock.sql.faults import At, QueryError
from penstock.sql.nodes.build import projected, quoted
from penstock.sql.nodes.kinds import kind

_NUMBER = Column("$one", "BIGINT", False)
ONE = Table(
    "VALUES",
    (_NUMBER,),
    {
        "connector": "datagen",
        "number-of-rows": "1",
        **{
            f"fields.{_NUMBER.name}.{key}": value
            for key, value in (("kind", "sequence"), ("start", "0"), ("end", "0"))
        },
    },
)
"""One row, whose only column nobody sees."""
ROWS_MAX = 1_000

Row = Sequence[exp.Expression]


def valued(rows: Sequence[Row], at: At = None) -> Node:
    """The rows, of bound expressions over no columns, as columns EXPR$0, EXPR$1, … of the kinds that all widen to."""
    if len(rows) > ROWS_MAX:
        raise QueryError(
            f"VALUES has more than {ROWS_MAX} rows", at, remedy="produce them to a topic and read it"
        )
    found = [[kind(value, ()) for value in row] for row in rows]
    columns = _columns(rows, found)
    made = [
        exp.Anonymous(this="ROW", expressions=list(map(_as, row, given, columns)))
        for row, given in zip(rows, found, strict=True)
    ]
    array = exp.Anonymous(this="ARRAY", expressions=made)
    return projected(Unnest(Scan(ONE), array, columns), [(c.name, quoted(c.name)) for c in columns])


def _columns(rows: Sequence[Row], found: Sequence[Sequence[str]]) -> Schema:
    columns = [Column(f"EXPR${place}", kinds.NULL) for place in range(len(rows[0]))]
    for row, given in zip(rows, found, strict=True):
        if len(row) != len(columns):
            raise QueryError(
                f"VALUES has rows of {len(columns)} and of {len(row)} columns",
                next(iter(row), None),
                remedy="as many values in each row",
            )
        for place, one in enumerate(given):
            if kinds.is_interval(one) or one == kinds.NULL:
                raise QueryError(
                    f"a column cannot be {one}", row[place], remedy="CAST(… AS type) says which type is meant"
                )
            wider = kinds.wider(columns[place].kind, one)
            if wider is None:
                raise QueryError(
                    f"a column of VALUES is {columns[place].kind} and {one}",
                    row[place],
                    remedy=f"CAST(… AS {columns[place].kind})",
                )
            columns[place] = replace(columns[place], kind=wider)
    return tuple(columns)


def _as(value: exp.Expression, given: str, column: Column) -> exp.Expression:
    return value if given == column.kind else exp.Cast(this=value, to=data_type(column.kind))
