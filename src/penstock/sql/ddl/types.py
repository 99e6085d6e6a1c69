"""Type words: between sqlglot's `DataType` and the plan's kinds, one spelling for each type.

Knows Flink's defaults and limits; conversions between kinds are the engine's.
"""

from sqlglot import exp

from penstock.engine.types import Column, row_fields, row_kind
from penstock.engine.typing_rules import kind_of_type
from penstock.errors import PenstockError
from penstock.sql.cursor import NESTED, Cursor, tokenize
from penstock.sql.faults import At, QueryError, Script

DType = exp.DType

STRING_LENGTH_MAX = 2_147_483_647
TIME_DIGITS_MAX = 6
OFFERED = (
    "BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, "
    "TIMESTAMP(p), TIMESTAMP_LTZ(p), ROW<name type, …>"
)
FLATTEN = f"flatten it into columns of: {OFFERED}"
# A VARCHAR or VARBINARY without a length is the longest one, a CHAR is CHAR(1): FlinkTypeSystem.getDefaultPrecision.
DEFAULTS = {
    "VARCHAR": "STRING",
    "VARBINARY": "BYTES",
    "CHAR": "CHAR(1)",
    "TIMESTAMP": f"TIMESTAMP({TIME_DIGITS_MAX})",
    "TIMESTAMP_LTZ": f"TIMESTAMP_LTZ({TIME_DIGITS_MAX})",
}
WORDS: dict[str, exp.DType] = {
    "STRING": DType.TEXT,
    "BYTES": DType.VARBINARY,
    "TIMESTAMP_LTZ": DType.TIMESTAMPLTZ,
}


def kind_from(type_: exp.DataType, at: At = None) -> str:
    """The kind a type's words mean; refuses what no column can carry yet."""
    at = at or type_
    sizes = [_size(parameter, at) for parameter in type_.expressions]
    try:
        kind = kind_of_type(type_)
    except (PenstockError, ValueError):
        raise QueryError(
            f"type {_words(type_)} is not offered", at, remedy=f"types here: {OFFERED}"
        ) from None
    name = kind.partition("(")[0]
    if name in ("TIMESTAMP", "TIMESTAMP_LTZ") and sizes and sizes[0] > TIME_DIGITS_MAX:
        raise QueryError(
            f"{kind}: {TIME_DIGITS_MAX} digits after the second are carried", at, remedy=DEFAULTS[name]
        )
    if name == "DECIMAL" and sizes and not (1 <= sizes[0] <= 38 and 0 <= (sizes[1:] or [0])[0] <= sizes[0]):
        raise QueryError("DECIMAL(p, s) takes 1 ≤ p ≤ 38 and 0 ≤ s ≤ p", at, remedy="DECIMAL(10, 2)")
    if name in ("VARCHAR", "VARBINARY") and sizes and sizes[0] == STRING_LENGTH_MAX:
        return DEFAULTS[name]
    return DEFAULTS.get(kind, kind)


def read_kind(words: Cursor) -> str:
    """The kind that the cursor's words are; refuses words that are none."""
    at = words.here
    if words.token is None:
        raise QueryError("a type is missing", at, remedy=f"types here: {OFFERED}")
    if words.peek("ROW"):
        return _row(words)
    if words.token.text.upper() in NESTED:
        raise QueryError(
            f"nested types such as {words.token.text.upper()} are not offered", at, remedy=FLATTEN
        )
    tree = _tree(words)
    if tree is None:
        for end in range(len(words.tokens) - 1, 0, -1):
            after = words.tokens[end]
            if _tree(Cursor(words.script, words.tokens[:end], after.start)) is not None:
                raise QueryError(f"`{after.text}` is not expected after the type", after)
        raise QueryError(f"`{words.tokens[0].text}` is not a type", at, remedy=f"types here: {OFFERED}")
    return kind_from(tree, at)


def _row(words: Cursor) -> str:
    """``ROW<name type, …>``, in one spelling."""
    at, last = words.here, words.tokens[-1]
    assert words.token is not None
    text = words.script.text[words.token.start : last.end + 1]
    body = text[3:].strip()
    if not (body.startswith("<") and body.endswith(">")):
        raise QueryError("a nested row is ROW<name type, …>", at, remedy="ROW<id BIGINT, name STRING>")
    fields = row_fields("ROW" + body)
    made: dict[str, str] = {}
    for field in fields:
        inner = Script(field.kind)
        try:
            kind = read_kind(Cursor(inner, tokenize(inner), len(field.kind)))
        except QueryError as error:
            raise QueryError(f"in {text[:60]}: {error.message}", at, remedy=error.remedy) from None
        if field.name in made or not field.name:
            raise QueryError(f"ROW has the field `{field.name}` twice", at)
        made[field.name] = kind
    if not made:
        raise QueryError("a nested row needs fields", at, remedy="ROW<id BIGINT, name STRING>")
    words.at = len(words.tokens)
    return row_kind(Column(name, kind) for name, kind in made.items())


def _tree(words: Cursor) -> exp.DataType | None:
    try:
        tree = words.parse(exp.DataType, "a type")
    except QueryError:
        return None
    return tree if isinstance(tree, exp.DataType) else None


def data_type(kind: str) -> exp.DataType:
    """The sqlglot type of a kind, as `CAST` carries it."""
    name, _, rest = kind.partition("(")
    sizes = [
        exp.DataTypeParam(this=exp.Literal.number(size.strip()))
        for size in rest.rstrip(")").split(",")
        if size
    ]
    return exp.DataType(this=WORDS.get(name) or getattr(DType, name), expressions=sizes)


def _size(parameter: exp.Expression, at: At) -> int:
    literal = parameter.this if isinstance(parameter, exp.DataTypeParam) else parameter
    if isinstance(literal, exp.Literal) and literal.name.isdigit():
        return int(literal.name)
    raise QueryError(
        f"a type's size is a number, as in {DEFAULTS['TIMESTAMP']}", at, remedy=f"types here: {OFFERED}"
    )


def _words(type_: exp.DataType) -> str:
    name = type_.args.get("kind") or getattr(type_.this, "value", type_.this)
    return str(name).upper()
