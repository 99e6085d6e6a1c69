"""Type words: between sqlglot's `DataType` and the plan's kinds, one spelling for each type.

Knows Flink's defaults and limits; conversions between kinds are the engine's.
"""

from sqlglot import exp

from penstock.engine.types import Column, is_nested, parts_of, row_fields, row_kind
from penstock.engine.typing_rules import kind_of_type
from penstock.errors import PenstockError
from penstock.sql.dialect import NESTED
from penstock.sql.faults import At, QueryError, Script
from penstock.sql.grammar.cursor import Cursor, tokenize
from penstock.sql.grammar.reserved import refuse_reserved

DType = exp.DType

STRING_LENGTH_MAX = 2_147_483_647
TIME_DIGITS_MAX = 6
OFFERED = (
    "BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, "
    "TIMESTAMP(p), TIMESTAMP_LTZ(p), ROW<name type, …>, ARRAY<type>, MAP<key, value>"
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
    spelled = str(type_.args.get("kind") or "")
    if spelled.partition("<")[0].strip().upper() in NESTED:
        return _nested_kind(spelled, at)
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
    if words.token.text.upper() in NESTED:
        text = words.script.text[words.token.start : words.tokens[-1].end + 1]
        words.at = len(words.tokens)
        return _nested_kind(text, at)
    tree = _tree(words)
    if tree is None:
        for end in range(len(words.tokens) - 1, 0, -1):
            after = words.tokens[end]
            if _tree(Cursor(words.script, words.tokens[:end], after.start)) is not None:
                raise QueryError(f"`{after.text}` is not expected after the type", after)
        raise QueryError(f"`{words.tokens[0].text}` is not a type", at, remedy=f"types here: {OFFERED}")
    return kind_from(tree, at)


def _nested_kind(text: str, at: At) -> str:
    """``ROW<name type, …>``, ``ARRAY<type>``, ``MAP<key, value>`` or ``MULTISET<type>``, in one spelling."""
    word, _, rest = text.partition("<")
    name = word.strip().upper()
    example = EXAMPLES.get(name)
    if example is None:
        raise QueryError(f"types such as {name} are not offered", at, remedy=FLATTEN)
    if not rest.rstrip().endswith(">"):
        raise QueryError(f"a nested type is written {example}", at, remedy=f"types here: {OFFERED}")
    kind = f"{name}<{rest.strip()}"
    if name == "ROW":
        return _row(kind, at)
    parts = [_inner(part, kind, at) for part in parts_of(kind)]
    if len(parts) != (2 if name == "MAP" else 1):
        raise QueryError(f"{name} is written {example}", at)
    return f"{name}<{', '.join(parts)}>"


EXAMPLES = {
    "ROW": "ROW<id BIGINT, name STRING>",
    "ARRAY": "ARRAY<INT>",
    "MAP": "MAP<STRING, INT>",
    "MULTISET": "MULTISET<STRING>",
}


def _inner(text: str, whole: str, at: At) -> str:
    """One of a nested type's own, with NOT NULL where that is said."""
    words = Script(text)
    cursor = Cursor(words, tokenize(words), len(text))
    try:
        kind = read_kind(cursor.until("NOT", "NULL"))
        if cursor.accept("NOT", "NULL"):
            kind += " NOT NULL"
        else:
            cursor.accept("NULL")
        cursor.finish("the type")
    except QueryError as error:
        raise QueryError(f"in {whole[:60]}: {error.message}", at, remedy=error.remedy) from None
    return kind


def _row(kind: str, at: At) -> str:
    made: dict[str, Column] = {}
    for written, field in zip(parts_of(kind), row_fields(kind), strict=True):
        if not written.startswith("`"):
            refuse_reserved(field.name, at)
        if field.name in made or not field.name:
            raise QueryError(f"ROW has the field `{field.name}` twice", at)
        made[field.name] = Column(field.name, _inner(field.kind, kind, at), field.nullable)
    if not made:
        raise QueryError("a nested row needs fields", at, remedy=EXAMPLES["ROW"])
    return row_kind(made.values())


def _tree(words: Cursor) -> exp.DataType | None:
    try:
        tree = words.parse(exp.DataType, "a type")
    except QueryError:
        return None
    return tree if isinstance(tree, exp.DataType) else None


def data_type(kind: str) -> exp.DataType:
    """The sqlglot type of a kind, as `CAST` carries it."""
    if is_nested(kind):
        return exp.DataType(this=DType.USERDEFINED, kind=kind)
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
