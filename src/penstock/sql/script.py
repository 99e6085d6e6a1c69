"""A script: its statements one after the other, each by its first words, against one catalog.

Knows statements; queries and tables are read in `lower/` and `ddl/`.
"""

from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from penstock.engine.plan import Node, Plan, Sink, Table, walk
from penstock.errors import PenstockError
from penstock.sql.catalog import Catalog
from penstock.sql.ddl.settings import said
from penstock.sql.ddl.table import table
from penstock.sql.faults import At, QueryError, Script, did_you_mean
from penstock.sql.grammar.cursor import Cursor, tokenize
from penstock.sql.lower.over.ranking import settled
from penstock.sql.lower.query import Queries, renamed
from penstock.sql.lower.sink import Columns, sinked
from penstock.sql.support import CLAUSES_REFUSED, STATEMENTS_REFUSED


def parse(script: str, *, place: str = "", explaining: bool = False) -> Plan:
    """The plan of a Flink SQL script; `place` is its file, for messages. `explaining` takes EXPLAIN before its
    statements, and a query that leads nowhere.

    Raises `PenstockError` with line, column and remedy for whatever is wrong with it or not offered.
    """
    catalog = Catalog()
    run(script, catalog, place=place, explaining=explaining)
    if not catalog.sinks:
        raise PenstockError("the script has no INSERT INTO", remedy="INSERT INTO table SELECT …", place=place)
    return plan_of(catalog)


def plan_of(catalog: Catalog) -> Plan:
    """All sinks of a catalog as one plan, its expressions without their places in the text."""
    for sink in catalog.sinks:
        for node in walk(sink.source):
            for expression in node.expressions:
                for part in expression.walk():
                    part.meta.clear()
    return Plan(tuple(catalog.sinks), tuple(catalog.tables.values()), tuple(catalog.settings.items()))


def run(text: str, catalog: Catalog, *, place: str = "", explaining: bool = False) -> None:
    """Carry out a script's statements against a catalog; on an error the catalog is as it was."""
    script = Script(text, place)
    draft = Catalog(
        dict(catalog.tables),
        dict(catalog.views),
        list(catalog.sinks),
        catalog.functions,
        dict(catalog.settings),
    )
    first: At = None
    try:
        for cursor in statements(script, explaining=explaining):
            first = cursor.token
            if explaining and (cursor.peek("SELECT") or cursor.peek("WITH")):
                _explain_query(cursor, draft)
            else:
                _statement(cursor, draft)
    except QueryError as fault:
        raise script.locate(fault, first) from None
    except RecursionError:
        deep = QueryError("the statement is nested too deeply", remedy="split it with WITH or views")
        raise script.locate(deep, first) from None
    catalog.tables, catalog.views, catalog.sinks = draft.tables, draft.views, draft.sinks
    catalog.settings = draft.settings


def statements(script: Script, *, explaining: bool = False) -> Iterator[Cursor]:
    """The statements between semicolons; the brackets of a statement set, and EXPLAIN, are taken off."""
    part: list[Token] = []
    inside: Token | None = None
    for token in [*tokenize(script), None]:
        if token is not None and token.token_type != TokenType.SEMICOLON:
            part.append(token)
            continue
        cursor = Cursor(script, part, token.start if token else len(script.text))
        part = []
        explained = explaining and cursor.accept("EXPLAIN")
        if explained:
            cursor.accept("PLAN", "FOR")
        sets = (("EXECUTE",), ("BEGIN",), ()) if explained else (("EXECUTE",), ("BEGIN",))
        if any(cursor.peek(*word, "STATEMENT", "SET") for word in sets):
            inside = _open_set(cursor, inside)
        if inside and cursor.peek("END"):
            cursor.expect("END")
            cursor.finish("END")
            inside = None
        elif cursor.token:
            yield cursor
    if inside:
        raise QueryError(
            "the statement set has no END",
            inside,
            remedy="EXECUTE STATEMENT SET BEGIN INSERT …; INSERT …; END;",
        )


def _open_set(cursor: Cursor, inside: Token | None) -> Token:
    opening = cursor.token
    if inside or opening is None:
        raise QueryError("a statement set cannot stand inside another one", opening)
    if cursor.accept("EXECUTE", "STATEMENT", "SET") or cursor.accept("STATEMENT", "SET"):
        cursor.expect("BEGIN")
    else:
        cursor.expect("BEGIN", "STATEMENT", "SET")
    return opening


def _statement(cursor: Cursor, catalog: Catalog) -> None:
    first = cursor.token
    assert first is not None
    word = first.text.upper()
    reason = STATEMENTS_REFUSED.get(word)
    if reason:
        raise QueryError(reason.message, first, remedy=reason.remedy)
    if word not in STATEMENTS or first.token_type == TokenType.IDENTIFIER:
        raise QueryError(
            f"a statement cannot begin with {cursor.found()}",
            first,
            remedy=did_you_mean(word, STATEMENTS, "statements"),
        )
    cursor.expect(word)
    STATEMENTS[word](cursor, catalog)


def _create(cursor: Cursor, catalog: Catalog) -> None:
    cursor.accept("TEMPORARY")
    what = cursor.token
    if cursor.accept("TABLE"):
        exist_ok = cursor.accept("IF", "NOT", "EXISTS")
        made, name = table(cursor, catalog.resolved)
        catalog.add_table(made, name, exist_ok=exist_ok)
    elif cursor.accept("VIEW"):
        _view(cursor, catalog)
    else:
        raise QueryError(
            f"CREATE {what.text.upper() if what else ''} is not offered",
            what or cursor.end,
            remedy="CREATE TABLE, CREATE VIEW",
        )


def _view(cursor: Cursor, catalog: Catalog) -> None:
    exist_ok = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name("the view's name")
    columns = [part.name("a column") for part in cursor.wrapped().items()] if cursor.peek("(") else []
    if cursor.accept("COMMENT"):
        cursor.string("the comment")
    cursor.expect("AS")
    node = _query(cursor, catalog)[0]
    if columns:
        if len(columns) != len(node.schema):
            raise QueryError(f"{len(columns)} names for {len(node.schema)} columns", columns[0])
        node = renamed(node, [token.text for token in columns], None)
    catalog.add_view(name.text, node, name, exist_ok=exist_ok)


def _insert(cursor: Cursor, catalog: Catalog) -> None:
    if cursor.peek("OVERWRITE"):
        raise QueryError(
            "INSERT OVERWRITE is not offered: a stream has no end to replace at",
            cursor.here,
            remedy="INSERT INTO",
        )
    cursor.expect("INTO")
    name = cursor.name("a table's name")
    target = catalog.target(name.text, name)
    named: list[Token] | None = None
    if cursor.peek("PARTITION"):
        raise QueryError("PARTITION is not offered", cursor.here)
    if cursor.peek("(") and not any(cursor.peek("(", word) for word in ("SELECT", "WITH", "VALUES")):
        named = [part.name("a column") for part in cursor.wrapped().items()]
    node, tree = _query(cursor, catalog)
    columns = Columns(tuple(t.text for t in named), tuple(named)) if named is not None else Columns()
    select = tree.expressions if isinstance(tree, exp.Select) else []
    if isinstance(tree, exp.Values):
        select = tree.expressions[0].expressions
    stars = any(isinstance(item, exp.Star) or isinstance(item.this, exp.Star) for item in select)
    columns = Columns(columns.names, columns.at, () if stars else tuple(select))
    catalog.add_sink(sinked(target, node, name, columns))


def _explain_query(cursor: Cursor, catalog: Catalog) -> None:
    node = settled(_query(cursor, catalog)[0])
    table = Table("the query", node.schema, {"connector": "print"})
    catalog.sinks.append(Sink(table, node))


def _query(cursor: Cursor, catalog: Catalog) -> tuple[Node, exp.Expression]:
    if not any(cursor.peek(word) for word in QUERIES):
        word = cursor.token.text if cursor.token else ""
        raise QueryError(
            f"expected a query, found {cursor.found()}",
            cursor.here,
            remedy=did_you_mean(word, QUERIES[:2], "a query begins with one of the words"),
        )
    for token in cursor.tokens[cursor.at :]:
        if token.text.upper() == "MATCH_RECOGNIZE" and token.token_type != TokenType.IDENTIFIER:
            raise QueryError(CLAUSES_REFUSED["match"].message, token)
    wrapped = cursor.peek("(")
    inner = cursor.wrapped() if wrapped else cursor
    if wrapped and cursor.token:  # (SELECT …) UNION ALL …
        inner = Cursor(cursor.script, cursor.tokens[cursor.at - len(inner.tokens) - 2 :], cursor.end)
    tree = catalog.resolved(inner.parse(exp.Select, "a query"))
    return Queries(catalog, {}).lower(tree), tree


def _set(cursor: Cursor, catalog: Catalog) -> None:
    key = cursor.string("a setting")
    cursor.expect("=")
    value = cursor.string(f"the value of '{key.text}'")
    cursor.finish("SET")
    if said(key, value, bool(catalog.views)):
        catalog.settings[key.text] = value.text


QUERIES = ("SELECT", "WITH", "VALUES", "(")
STATEMENTS: dict[str, Callable[[Cursor, Catalog], None]] = {"CREATE": _create, "INSERT": _insert, "SET": _set}
