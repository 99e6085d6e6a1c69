"""What kind a scalar expression or an aggregate has: for whoever binds SQL or Python to a schema.

    kind_of(expr, schema) -> "BIGINT"            # expr: a sqlglot node over bare columns of `schema`
    aggregate_kind("SUM", "INT") -> "INT"        # argument kind None for COUNT(*)
    kind_of_type(data_type) -> "DECIMAL(10, 2)"  # a sqlglot DataType in Flink's spelling
    wider("INT", "DOUBLE") -> "DOUBLE"           # common kind of UNION branches, CASE arms; None: there is none

All raise `PenstockError` naming what is not offered. Names of columns are matched as they are written.
"""

from penstock.engine.expressions import bind
from penstock.engine.functions.kinds import of_aggregate, wider
from penstock.engine.functions.table import kind_of_type
from penstock.engine.types import Expr, Schema
from penstock.errors import PenstockError

__all__ = ["aggregate_kind", "kind_of", "kind_of_type", "wider"]


def kind_of(expr: Expr, schema: Schema) -> str:
    """The Flink kind of `expr`, as the engine will compute it; ``NULL`` for a bare NULL literal."""
    return bind(expr, schema).kind


def aggregate_kind(function: str, argument: str | None) -> str:
    """The kind of an aggregate over an argument of kind `argument` (None: ``COUNT(*)``)."""
    kind = of_aggregate(function, argument)
    if kind is None:
        given = argument or "*"
        raise PenstockError(
            f"{function.upper()}({given}) is not defined", remedy="aggregate a column of numbers"
        )
    return kind
