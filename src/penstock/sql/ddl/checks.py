"""Whether a table's parts go together: key, event time, connector. SQL's and Python's declarations both pass here.

Knows the finished `Table` and the watermark's formula; knows no tokens.
"""

from sqlglot import exp

from penstock.engine.plan import Table
from penstock.sql.faults import At, QueryError
from penstock.sql.nodes.intervals import milliseconds

WATERMARK_REMEDY = "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"
KEY_REMEDY = "PRIMARY KEY (column, …) NOT ENFORCED"
# Flink takes event time to the millisecond at most.
TIME_KINDS = frozenset(f"{word}({digits})" for word in ("TIMESTAMP", "TIMESTAMP_LTZ") for digits in range(4))


def checked(table: Table, at: At = None) -> Table:
    """The table, if its parts go together; raises `QueryError` where they do not."""
    if table.connector == "upsert-kafka" and not table.key:
        raise QueryError(
            f"`{table.name}` is an upsert-kafka table and needs a primary key", at, remedy=KEY_REMEDY
        )
    if table.key and table.connector in ("kafka", "datagen") and not table.changelog:
        raise QueryError(
            f"a {table.connector} table has no primary key",
            at,
            remedy="'connector' = 'upsert-kafka', or leave it out",
        )
    if not table.written:
        raise QueryError(f"`{table.name}` has no physical columns", at, remedy="add a column of the record")
    return table


def check_time(name: str, kind: str, at: At = None) -> None:
    """Refuse an event-time column that is no timestamp in milliseconds."""
    if kind not in TIME_KINDS:
        remedy = f"`{name}` TIMESTAMP(3), or a computed column"
        raise QueryError(f"event time is TIMESTAMP(3), `{name}` is {kind}", at, remedy=remedy)


def late_ms(formula: exp.Expression, name: str) -> int:
    """How late rows may come: the watermark is ``ts`` or ``ts - INTERVAL …``."""
    if isinstance(formula, exp.Paren):
        return late_ms(formula.this, name)
    if isinstance(formula, exp.Column) and formula.name == name:
        return 0
    if isinstance(formula, exp.Sub) and isinstance(formula.this, exp.Column) and formula.this.name == name:
        late = milliseconds(formula.expression, "the lateness")
        if late >= 0:
            return late
    raise QueryError(
        "a watermark is the time column, or it minus an interval", formula, remedy=WATERMARK_REMEDY
    )
