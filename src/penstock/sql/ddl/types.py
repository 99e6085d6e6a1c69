"""Type words: between sqlglot's `DataType` and the plan's kinds (Flink's words in capitals).

Knows which types exist here; conversions between them are the engine's.
"""

from sqlglot import exp

from penstock.sql.faults import At, Fault

DType = exp.DataType.Type

PLAIN: dict[exp.DataType.Type, str] = {
    DType.BOOLEAN: "BOOLEAN",
    DType.TINYINT: "TINYINT",
    DType.SMALLINT: "SMALLINT",
    DType.INT: "INT",
    DType.BIGINT: "BIGINT",
    DType.FLOAT: "FLOAT",
    DType.DOUBLE: "DOUBLE",
    DType.TEXT: "STRING",
    DType.VARBINARY: "BYTES",
    DType.DATE: "DATE",
}
STRING_LENGTH_MAX = 2_147_483_647
TIME_DIGITS_MAX = 6
OFFERED = "BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIMESTAMP(p), TIMESTAMP_LTZ(p)"


def kind_from(type_: exp.DataType, at: At = None) -> str:
    """The kind a type's words mean; refuses what no column can carry yet."""
    at = at or type_
    numbers = [_number(parameter, at) for parameter in type_.expressions]
    if type_.this in PLAIN and (not numbers or type_.this == DType.VARBINARY):
        return PLAIN[type_.this]
    if type_.this in (DType.VARCHAR, DType.CHAR):
        return _text(type_.this, numbers)
    if type_.this in (DType.TIMESTAMP, DType.TIMESTAMPLTZ):
        digits = numbers[0] if numbers else TIME_DIGITS_MAX
        if digits > TIME_DIGITS_MAX:
            raise Fault(
                f"timestamps carry {TIME_DIGITS_MAX} digits after the second", at, remedy="TIMESTAMP(6)"
            )
        return f"TIMESTAMP{'_LTZ' if type_.this == DType.TIMESTAMPLTZ else ''}({digits})"
    if type_.this == DType.DECIMAL:
        precision, scale = (*numbers, *(10, 0)[len(numbers) :])[:2]
        if not (1 <= precision <= 38 and 0 <= scale <= precision):
            raise Fault("DECIMAL(p, s) takes 1 ≤ p ≤ 38 and 0 ≤ s ≤ p", at)
        return f"DECIMAL({precision}, {scale})"
    raise Fault(f"type {_words(type_)} is not offered", at, remedy=f"types here: {OFFERED}")


def data_type(kind: str) -> exp.DataType:
    """The sqlglot type of a kind, as `CAST` carries it."""
    return exp.DataType.build(kind)


def _text(type_: exp.DataType.Type, numbers: list[int]) -> str:
    # VARCHAR without a length is the longest one, CHAR without is CHAR(1): FlinkTypeSystem.getDefaultPrecision.
    if type_ == DType.CHAR:
        return f"CHAR({numbers[0] if numbers else 1})"
    return f"VARCHAR({numbers[0]})" if numbers and numbers[0] < STRING_LENGTH_MAX else "STRING"


def _number(parameter: exp.Expression, at: At) -> int:
    literal = parameter.this if isinstance(parameter, exp.DataTypeParam) else parameter
    if isinstance(literal, exp.Literal) and literal.name.isdigit():
        return int(literal.name)
    raise Fault("a nested type is not offered", at, remedy=f"flatten it into columns of: {OFFERED}")


def _words(type_: exp.DataType) -> str:
    name = type_.args.get("kind") or (type_.this.value if isinstance(type_.this, DType) else str(type_.this))
    return str(name).upper()
