"""``CREATE TABLE name (columns, WATERMARK, PRIMARY KEY) WITH (options)`` as the plan's `Table`.

Source: Flink documentation, "CREATE Statements". Knows the clause's grammar; option names are in `options`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from penstock.engine.plan import Table, Watermark
from penstock.engine.types import Column
from penstock.sql.ddl import options
from penstock.sql.ddl.checks import KEY_REMEDY, WATERMARK_REMEDY, check_time, checked, late_ms
from penstock.sql.ddl.types import read_kind
from penstock.sql.faults import At, QueryError, did_you_mean
from penstock.sql.grammar.cursor import Cursor
from penstock.sql.lower.binder import Scope, bind
from penstock.sql.lower.groups.grouping import has_aggregate
from penstock.sql.nodes.kinds import kind

# What the kafka connector knows of a record; an INSERT can set the timestamp only.
METADATA = ("topic", "partition", "offset", "timestamp")


Resolver = Callable[[exp.Expression], exp.Expression]
"""Makes calls of users' functions known as such."""


@dataclass
class Draft:
    """A table while its clauses are read."""

    name: str
    at: At
    resolved: Resolver
    columns: list[Column] = field(default_factory=list)
    computed: list[tuple[str, exp.Expression]] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    virtual: list[str] = field(default_factory=list)
    key: list[Token] = field(default_factory=list)
    watermark: tuple[Token, exp.Expression] | None = None
    formulas: list[tuple[Token, exp.Expression]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The columns' names so far."""
        return [column.name for column in self.columns]


def table(cursor: Cursor, resolved: Resolver) -> tuple[Table, Token]:
    """The rest of a CREATE TABLE after the keyword, from the table's name on."""
    name = cursor.name("the table's name")
    if cursor.peek("."):
        raise QueryError("there is one catalog and one database", name, remedy="name the table alone")
    draft = Draft(name.text, name, resolved)
    if cursor.peek("("):
        for item in cursor.wrapped().items():
            _item(draft, item)
    if cursor.accept("COMMENT"):
        cursor.string("the comment")
    for words, remedy in (
        (("PARTITIONED", "BY"), "'key.fields' sets the record's key"),
        (("DISTRIBUTED",), ""),
    ):
        if cursor.peek(*words):
            raise QueryError(f"{' '.join(words)} is not offered", cursor.here, remedy=remedy)
    with_at = cursor.here
    given, places = _options(cursor)
    if cursor.peek("LIKE") or cursor.peek("AS"):
        raise QueryError(
            f"CREATE TABLE … {cursor.found().strip('`')} is not offered",
            cursor.here,
            remedy="write the columns out",
        )
    cursor.finish("CREATE TABLE")
    options.check(given, places, with_at if given else name)
    return _finished(draft, given), name


def _item(draft: Draft, item: Cursor) -> None:
    if item.peek("WATERMARK"):
        return _watermark(draft, item)
    if item.accept("CONSTRAINT"):
        item.name("the constraint's name")
    if item.peek("PRIMARY", "KEY"):
        place = item.here
        item.expect("PRIMARY", "KEY")
        _key(draft, [part.name("a column") for part in item.wrapped().items()], item, place)
        return item.finish("PRIMARY KEY")
    if item.peek("UNIQUE") or item.peek("PERIOD", "FOR"):
        raise QueryError(f"{item.found()} is not offered", item.here, remedy=KEY_REMEDY)
    return _column(draft, item)


def _column(draft: Draft, item: Cursor) -> None:
    name = item.name("a column's name")
    if name.text in draft.names:
        raise QueryError(f"column `{name.text}` is declared twice", name)
    if item.accept("AS"):
        formula = draft.resolved(item.until("COMMENT").parse(exp.Condition, "an expression"))
        draft.columns.append(Column(name.text, ""))
        draft.formulas.append((name, formula))
    else:
        _typed_column(draft, name, item)
    if item.accept("COMMENT"):
        item.string("the comment")
    item.finish("the column")


def _typed_column(draft: Draft, name: Token, item: Cursor) -> None:
    kind_ = read_kind(
        item.until("NOT", "NULL", "PRIMARY KEY", "METADATA", "COMMENT", "CONSTRAINT", "DEFAULT", "UNIQUE")
    )
    nullable = True
    while item.token and not item.peek("COMMENT"):
        if item.accept("NOT", "NULL"):
            nullable = False
        elif item.accept("NULL"):
            nullable = True
        elif item.peek("PRIMARY", "KEY"):
            place = item.here
            item.expect("PRIMARY", "KEY")
            _key(draft, [name], item, place)
        elif item.accept("METADATA"):
            _metadata(draft, name, item)
        else:
            break
    draft.columns.append(Column(name.text, kind_, nullable))


def _metadata(draft: Draft, name: Token, item: Cursor) -> None:
    source = item.string("the metadata's name") if item.accept("FROM") else name
    if source.text not in METADATA:
        raise QueryError(
            f"records have no metadata '{source.text}'",
            source,
            remedy=did_you_mean(source.text, METADATA, "metadata"),
        )
    draft.metadata.append((name.text, source.text))
    if item.accept("VIRTUAL") or source.text != "timestamp":
        draft.virtual.append(name.text)


def _key(draft: Draft, names: list[Token], item: Cursor, place: At) -> None:
    if draft.key:
        raise QueryError("the table has two primary keys", place)
    item.expect("NOT", "ENFORCED", remedy=f"a stream's key is not checked: {KEY_REMEDY}")
    draft.key = names


def _watermark(draft: Draft, item: Cursor) -> None:
    place = item.here
    item.expect("WATERMARK", "FOR", remedy=WATERMARK_REMEDY)
    if draft.watermark:
        raise QueryError("the table has two watermarks", place, remedy="keep one")
    column = item.name("the time column")
    item.expect("AS", remedy=WATERMARK_REMEDY)
    draft.watermark = (column, item.parse(exp.Condition, "the watermark's expression"))


def _options(cursor: Cursor) -> tuple[dict[str, str], dict[str, At]]:
    given: dict[str, str] = {}
    places: dict[str, At] = {}
    if not cursor.accept("WITH"):
        return given, places
    for item in cursor.wrapped().items():
        key = item.string("an option")
        item.expect("=")
        value = item.string(f"the value of '{key.text}'")
        item.finish("the option")
        if key.text in given:
            raise QueryError(f"option '{key.text}' is set twice", key)
        given[key.text], places[key.text] = value.text, key
    return given, places


def _finished(draft: Draft, given: dict[str, str]) -> Table:
    if not draft.columns:
        raise QueryError(
            f"`{draft.name}` has no columns", draft.at, remedy="CREATE TABLE t (a STRING, …) WITH (…)"
        )
    _compute(draft)
    key = tuple(_known(draft, token) for token in draft.key)
    columns = tuple(replace(c, nullable=c.nullable and c.name not in key) for c in draft.columns)
    made = Table(
        draft.name,
        columns,
        given,
        key,
        _late(draft),
        tuple(draft.computed),
        tuple(draft.metadata),
        tuple(draft.virtual),
    )
    return checked(made, draft.at)


def _compute(draft: Draft) -> None:
    """Kinds of the computed columns, over the physical ones (Flink: a computed column does not read another)."""
    physical = tuple(c for c in draft.columns if c.kind)
    for name, formula in draft.formulas:
        if has_aggregate(formula):
            raise QueryError("a computed column takes no aggregates", formula)
        bound = bind(formula, Scope(physical, (draft.name,)))
        made = Column(name.text, kind(bound, physical))
        draft.columns[draft.names.index(name.text)] = made
        draft.computed.append((name.text, bound))


def _late(draft: Draft) -> Watermark | None:
    if draft.watermark is None:
        return None
    token, formula = draft.watermark
    name = _known(draft, token)
    check_time(name, next(c.kind for c in draft.columns if c.name == name), token)
    return Watermark(name, late_ms(formula, name))


def _known(draft: Draft, token: Token) -> str:
    if token.text not in draft.names:
        raise QueryError(
            f"there is no column `{token.text}`",
            token,
            remedy=did_you_mean(token.text, draft.names, "columns"),
        )
    return token.text
