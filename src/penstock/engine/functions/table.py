"""The table of scalar functions: name → how to turn typed arguments into a typed polars expression.

A function registers where it is defined and takes and returns `Value`s, so its result kind and its computation
cannot drift apart. Knows nothing of SQL text or of any single function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.types import is_nested, polars_type
from penstock.errors import PenstockError

NOW = "$now"
"""The column an operator adds where an expression asks for the time: the `Now` it was handed, in UTC."""


@dataclass(frozen=True)
class Value:
    """A bound expression: Flink's kind, the polars expression, and the constant where it is one."""

    kind: str
    expr: pl.Expr
    constant: Any = None

    @property
    def is_constant(self) -> bool:
        """Whether the value is known now (a NULL literal has the kind NULL)."""
        return self.constant is not None or self.kind == kinds.NULL


Function = Callable[..., Value]
FUNCTIONS: dict[str, Function] = {}
VARIADIC = 1_000_000


def function(*names: str, arguments: tuple[int, int]) -> Callable[[Function], Function]:
    """Register under `names` a function that takes from `arguments[0]` to `arguments[1]` values."""

    def register(body: Function) -> Function:
        def checked(*values: Value) -> Value:
            low, high = arguments
            if not low <= len(values) <= high:
                takes = (
                    str(low) if low == high else f"{low} to {high}" if high < VARIADIC else f"at least {low}"
                )
                raise PenstockError(f"{names[0]} takes {takes} arguments, not {len(values)}")
            return body(*values)

        for name in names:
            FUNCTIONS[name] = checked
        return body

    return register


def refuse(name: str, *values: Value, remedy: str = "") -> PenstockError:
    """The error for arguments of kinds that a function does not take."""
    given = ", ".join(value.kind for value in values)
    return PenstockError(f"{name} is not defined for ({given})", remedy=remedy)


def constant(kind: str, value: Any) -> Value:
    """A literal; polars never turns it into another type."""
    return Value(kind, pl.lit(value, dtype=polars_type(kind)), value)


NOTHING = Value(kinds.NULL, pl.lit(None))


def known(name: str, value: Value, what: str) -> Any:
    """The constant behind `value`; raises `PenstockError` where it is computed from a column."""
    if value.constant is None:
        raise PenstockError(
            f"{name} needs a literal as its {what}", remedy="write the value itself, not a column"
        )
    return value.constant


def kind_of_type(target: exp.Expression) -> str:
    """Flink's spelling of a sqlglot type, as `Column.kind` has it."""
    if not isinstance(target, exp.DataType):
        raise PenstockError(f"unknown type {target.sql()}")
    spelled = str(target.args.get("kind") or "")
    if is_nested(spelled):
        return spelled
    name = _TYPE_NAMES.get(str(getattr(target.this, "value", target.this)).upper())
    if name == "USERDEFINED":
        name = _TYPE_NAMES.get(str(target.args.get("kind", "")).upper())
    if name is None:
        raise PenstockError(
            f"the type {target.sql()} is not offered",
            remedy="offered: " + ", ".join(sorted(set(_TYPE_NAMES.values()) - {"USERDEFINED"})),
        )
    sizes = [str(parameter.name or parameter.this) for parameter in target.expressions]
    if name == "DECIMAL":
        precision, scale = [*(int(size) for size in sizes), *((10, 0) if not sizes else (0,))][:2]
        return f"DECIMAL({precision}, {scale})"
    return f"{name}({', '.join(sizes)})" if sizes and name in _SIZED else name


_SIZED = {"VARCHAR", "CHAR", "TIMESTAMP", "TIMESTAMP_LTZ", "TIME", "VARBINARY"}
_TYPE_NAMES = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INT", "INTEGER": "INT",
    "BIGINT": "BIGINT", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "DECIMAL": "DECIMAL", "TEXT": "STRING",
    "STRING": "STRING", "VARCHAR": "VARCHAR", "CHAR": "CHAR", "BYTES": "BYTES", "VARBINARY": "VARBINARY",
    "DATE": "DATE", "TIME": "TIME", "TIMESTAMP": "TIMESTAMP", "TIMESTAMPNTZ": "TIMESTAMP",
    "TIMESTAMPLTZ": "TIMESTAMP_LTZ", "TIMESTAMP_LTZ": "TIMESTAMP_LTZ", "USERDEFINED": "USERDEFINED",
    "USER-DEFINED": "USERDEFINED",
}  # fmt: skip
