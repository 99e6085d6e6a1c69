"""What of Flink SQL is offered and what is refused, as data: the binder and lowering read it, the docs print it.

Knows reasons and remedies; the places they are raised at are the callers'.
"""

from dataclasses import dataclass

from sqlglot import exp

from penstock.engine.functions import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a construct is refused, and what to write instead."""

    construct: str
    message: str
    remedy: str = ""


SUPPORTED: tuple[tuple[str, str], ...] = (
    ("CREATE TABLE", "physical, computed and METADATA columns, WATERMARK, PRIMARY KEY … NOT ENFORCED, WITH"),
    ("CREATE VIEW", "also TEMPORARY; IF NOT EXISTS; a list of column names"),
    ("INSERT INTO", "with or without a list of columns, from SELECT, VALUES, WITH or UNION ALL"),
    ("EXECUTE STATEMENT SET", "BEGIN … END around INSERTs; several INSERTs outside of one are a set as well"),
    (
        "SET",
        "'table.exec.state.ttl', 'table.exec.source.idle-timeout', 'table.exec.emit.allow-lateness' with"
        " 'table.exec.emit.late-fire.enabled', and settings whose value is what penstock does",
    ),
    (
        "late rows",
        "counted; with late firing, windows fire again for them: of GROUP BY TUMBLE and HOP as in Flink, and, an extension,"
        " those of table functions. An extension: SET 'penstock.late-rows.topic' sends those that nobody takes to a topic",
    ),
    (
        "idle sources",
        "'scan.watermark.idle-timeout'. An extension: with 'scan.watermark.idle-advance' = 'true' event time goes on by the"
        " wall's clock while all partitions are idle, so that windows close",
    ),
    (
        "bounded sources",
        "'scan.bounded.mode': latest-offset, group-offsets, timestamp, specific-offsets; the job then ends by itself",
    ),
    (
        "state's lifetime",
        "'table.exec.state.ttl' for joins, groups, top-N, deduplication, upsert tables, and OVER by PROCTIME() without a RANGE of time; the hint STATE_TTL for a join's"
        " sides and for groups; each value of a DISTINCT by itself, while what ARRAY_AGG, COLLECT, and MIN and MAX of rows that change"
        " remember lives as long as its group; windows, interval and temporal joins and OVER else let go by time alone",
    ),
    ("SELECT", "expressions, aliases, *, t.*, DISTINCT, WHERE, GROUP BY, HAVING, subqueries in FROM, WITH"),
    (
        "GROUPING SETS, ROLLUP, CUBE",
        "of columns and expressions, nested and beside each other, over windows of table functions too; GROUPING, GROUPING_ID, GROUP_ID",
    ),
    (
        "VALUES",
        "FROM (VALUES (1, 'a'), …) AS t (id, name), INSERT INTO t VALUES …, and SELECT without FROM: rows that come once, also"
        " where the worker is killed; a pipeline of nothing else ends by itself, and one that is changed begins anew",
    ),
    ("UNION, INTERSECT, EXCEPT", "with ALL and without; columns by position, to their common type"),
    (
        "JOIN",
        "INNER, LEFT, RIGHT, FULL, CROSS, USING, the comma; interval joins and window joins, by their conditions",
    ),
    (
        "temporal joins",
        "FOR SYSTEM_TIME AS OF an event-time column, or PROCTIME(), of an upsert-kafka table or a deduplicated view",
    ),
    (
        "table functions",
        "those of Python: CROSS JOIN LATERAL TABLE(f(x)) AS t (a, b), LEFT JOIN LATERAL … ON TRUE",
    ),
    ("UNNEST", "CROSS JOIN UNNEST(array or map) [WITH ORDINALITY] AS t (a, …), LEFT JOIN UNNEST(…) ON TRUE"),
    ("processing time", "PROCTIME() as a column, windows over it, and OVER (… ORDER BY PROCTIME())"),
    (
        "subqueries in WHERE",
        "[NOT] IN (SELECT …), [NOT] EXISTS (SELECT …), also correlated, alone or joined by AND",
    ),
    (
        "subqueries that give a value",
        "(SELECT MAX(x) FROM t) in WHERE, and in the list of a SELECT that does not group",
    ),
    (
        "top-N, deduplication",
        "ROW_NUMBER() OVER (PARTITION BY … ORDER BY …) with a WHERE that bounds it, over windows too; in the order of time without a bound as well",
    ),
    (
        "OVER",
        "aggregates over event time, or PROCTIME(): ROWS or RANGE BETWEEN … PRECEDING AND CURRENT ROW, PARTITION BY; LAG(value[, offset[,"
        " default]]); windows with a name: OVER w, WINDOW w AS (…)",
    ),
    (
        "windows",
        "TABLE(TUMBLE | HOP | CUMULATE | SESSION(…)), positional or named; GROUP BY TUMBLE | HOP | SESSION(…)",
    ),
    (
        "aggregates",
        "COUNT SUM MIN MAX AVG STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP FIRST_VALUE LAST_VALUE LISTAGG ARRAY_AGG COLLECT, FILTER, COUNT(DISTINCT …)",
    ),
    (
        "formats",
        "json, avro (the table's own schema), protobuf ('protobuf.schema-file' or 'protobuf.schema', and 'protobuf.message'), csv, raw, debezium-json (kafka: any change is read and written)",
    ),
    ("nested rows", "ROW<name type, …> columns, and their fields: bid.price, a.b.c; ROW(a, b)"),
    (
        "arrays, maps",
        "ARRAY<type>, MAP<key, value>, MULTISET<type>; ARRAY[…], MAP[…], a[1], m['key'], and the functions over them; csv tables refuse maps, protobuf multisets; in protobuf what is repeated is NULL where it is empty, and a NULL within is written as 0 or 'protobuf.write-null-string-literal'",
    ),
    (
        "expressions",
        "arithmetic, comparison, logic, CASE, CAST, BETWEEN, IN (list), LIKE, SIMILAR TO, IS NULL, INTERVAL, functions;"
        " (a, b) = (1, 2), <> and [NOT] IN ((1, 2), …)",
    ),
)

_LATER = "not offered yet"

GROUPINGS_REFUSED = Reason(
    "GROUP BY … WITH ROLLUP", "WITH ROLLUP and WITH CUBE are not Flink SQL", "GROUP BY ROLLUP (a, b)"
)
EXPRESSIONS_REFUSED: dict[type[exp.Expression], Reason] = {
    exp.Window: Reason(
        "OVER", "OVER stands in the list of a SELECT that does not group", "select it in a subquery first"
    ),
    **dict.fromkeys(
        (exp.Subquery, exp.Select),
        Reason(
            "scalar subquery elsewhere",
            "a subquery that gives a value stands in WHERE, or in the list of a SELECT that does not group, and names no"
            " column of the query around it",
            "join the query: … LEFT JOIN (SELECT k, MAX(x) AS x FROM t GROUP BY k) AS m ON m.k = a.k",
        ),
    ),
    exp.Exists: Reason(
        "IN and EXISTS elsewhere",
        "IN (SELECT …) and EXISTS (SELECT …) stand in WHERE, alone or joined by AND",
        "a query for each side of OR, united with UNION",
    ),
    exp.Lambda: Reason("lambda", "Flink SQL has no lambdas"),
    exp.Placeholder: Reason("?", "parameters are not offered in a pipeline", "write the value"),
    exp.Parameter: Reason("@", "parameters are not offered in a pipeline", "write the value"),
    exp.Tuple: Reason(
        "(a, b) elsewhere",
        "row values stand on both sides of = and <>, and with IN",
        "compare column by column",
    ),
    exp.IgnoreNulls: Reason("IGNORE NULLS", f"IGNORE NULLS is {_LATER}", "FILTER (WHERE x IS NOT NULL)"),
    exp.RespectNulls: Reason("RESPECT NULLS", f"RESPECT NULLS is {_LATER}"),
    exp.Order: Reason("ORDER BY in a call", f"ORDER BY inside a call is {_LATER}"),
    exp.Limit: Reason("LIMIT in a call", "LIMIT inside a call is not Flink SQL"),
    exp.Star: Reason("*", "* stands for all columns only in SELECT and COUNT(*)"),
    exp.Alias: Reason("AS in a call", "AS cannot stand inside an expression"),
    exp.Kwarg: Reason("name => value", f"named arguments are {_LATER} here", "pass the arguments in order"),
}

_NOT_REPEATABLE = Reason(
    "random functions", "its value would not repeat after a restart", "put the value in the record"
)
_AGGREGATE = Reason(
    "JSON_OBJECTAGG, …", f"this aggregate is {_LATER}", "COUNT, SUM, MIN, MAX, AVG, STDDEV_POP, …"
)
_RANK = Reason(
    "RANK, DENSE_RANK",
    "the rows of a stream are numbered, not ranked: of ties Flink would give the last one's place",
    "ROW_NUMBER() OVER (…) with a WHERE that bounds it",
)
_AHEAD = Reason(
    "LEAD, NTILE, …", "a stream does not know the rows to come", "LAG(x) OVER (…), at the later of two rows"
)
_LAG = Reason(
    "LAG alone", "LAG looks back over rows in order of time", "LAG(x) OVER (PARTITION BY k ORDER BY ts)"
)
_SET_CALL = Reason(
    "GROUPING elsewhere",
    "it stands in the list or the HAVING of a SELECT that groups",
    "… GROUP BY ROLLUP (k)",
)
_WINDOW_CALL = Reason("window functions outside", "windows stand in GROUP BY or in FROM TABLE(…)")

FUNCTIONS_REFUSED: dict[str, Reason] = {
    **dict.fromkeys(("RAND", "RAND_INTEGER", "UUID"), _NOT_REPEATABLE),
    **dict.fromkeys(("JSON_OBJECTAGG", "JSON_ARRAYAGG"), _AGGREGATE),
    **dict.fromkeys(("RANK", "DENSE_RANK"), _RANK),
    **dict.fromkeys(("LEAD", "NTILE", "CUME_DIST", "PERCENT_RANK"), _AHEAD),
    "LAG": _LAG,
    **dict.fromkeys(("GROUPING", "GROUPING_ID", "GROUP_ID"), _SET_CALL),
    **dict.fromkeys(("TUMBLE", "HOP", "SESSION", "CUMULATE"), _WINDOW_CALL),
}

_LATERAL = Reason("LATERAL", "LATERAL stands after a table", "FROM t, LATERAL TABLE(f(t.x)) AS u (a)")

# Parts of a SELECT, by sqlglot's argument name.
CLAUSES_REFUSED: dict[str, Reason] = {
    "laterals": _LATERAL,
    "order": Reason(
        "ORDER BY", "an unbounded stream cannot be sorted", "order the live table when you read it (?order=…)"
    ),
    "sort": Reason("SORT BY", "this is not Flink SQL"),
    "limit": Reason(
        "LIMIT", "an unbounded stream has no first rows", "limit the live table when you read it (?limit=…)"
    ),
    "offset": Reason(
        "OFFSET",
        "an unbounded stream has no first rows",
        "offset the live table when you read it (?offset=…)",
    ),
    "match": Reason("MATCH_RECOGNIZE", f"MATCH_RECOGNIZE is {_LATER}"),
    "qualify": Reason("QUALIFY", f"QUALIFY is {_LATER}"),
    "hints": Reason(
        "hints of tables", "hints of tables are not offered", "put the option in the table's WITH clause"
    ),
    "into": Reason("SELECT INTO", "this is not Flink SQL", "INSERT INTO t SELECT …"),
    "sample": Reason("TABLESAMPLE", f"TABLESAMPLE is {_LATER}"),
    "version": Reason(
        "FOR SYSTEM_TIME AS OF", "it stands after JOIN", "… JOIN t FOR SYSTEM_TIME AS OF a.ts AS t ON …"
    ),
    "pivots": Reason("PIVOT", "this is not Flink SQL"),
}

JOINS_REFUSED: dict[str, Reason] = {
    "NATURAL": Reason("NATURAL JOIN", "NATURAL JOIN is not offered", "write JOIN … USING (id), or ON"),
    "SEMI": Reason("SEMI JOIN", "SEMI JOIN is not Flink SQL", "WHERE id IN (SELECT …)"),
    "ANTI": Reason("ANTI JOIN", "ANTI JOIN is not Flink SQL", "WHERE NOT EXISTS (SELECT …)"),
}
RELATIONS_REFUSED: dict[type[exp.Expression], Reason] = {
    exp.Lateral: _LATERAL,
    exp.Unnest: Reason("UNNEST", "UNNEST stands after a table", "FROM t CROSS JOIN UNNEST(t.a) AS u (x)"),
}
STATEMENTS_REFUSED: dict[str, Reason] = {
    "ALTER": Reason("ALTER", "ALTER is not offered", "change the CREATE TABLE and save the file"),
    "DROP": Reason("DROP", "DROP is not offered: a script declares what it uses", "remove the statement"),
    "USE": Reason("USE", "there is one catalog and one database", "remove the statement"),
    "SHOW": Reason("SHOW", "SHOW is not part of a pipeline", "see the console, or penstock table"),
    "DESCRIBE": Reason(
        "DESCRIBE", "DESCRIBE is not part of a pipeline", "see the console, or penstock table"
    ),
    "EXPLAIN": Reason("EXPLAIN", "EXPLAIN is not part of a pipeline", "penstock sql explain FILE"),
    "SELECT": Reason("SELECT", "a pipeline's SELECT needs somewhere to go", "INSERT INTO table SELECT …"),
    "WITH": Reason(
        "WITH … SELECT", "a pipeline's query needs somewhere to go", "INSERT INTO table WITH … SELECT …"
    ),
    "VALUES": Reason("VALUES …", "a pipeline's rows need somewhere to go", "INSERT INTO table VALUES …"),
    "DELETE": Reason("DELETE", "a pipeline does not delete rows by hand", "produce a tombstone to the topic"),
    "UPDATE": Reason(
        "UPDATE", "a pipeline does not update rows by hand", "produce the new record to the topic"
    ),
    "TRUNCATE": Reason("TRUNCATE", "a pipeline does not empty tables", "delete the topic"),
    "RESET": Reason("RESET", "there is no session to reset", "remove the statement"),
    "ADD": Reason("ADD JAR", "there is no JVM here", "remove the statement"),
    "LOAD": Reason("LOAD MODULE", "there are no modules", "remove the statement"),
    "ANALYZE": Reason("ANALYZE", "ANALYZE is not offered", "remove the statement"),
    "CALL": Reason("CALL", "procedures are not offered", "remove the statement"),
}


# What the engine's table of functions holds under names that are operators or grammar in SQL.
_GRAMMAR = ("AND", "OR", "NOT", "IN", "CASE", "LIKE", "SIMILAR", "NEGATIVE", "EXTRACT", "ITEM")


def function_names() -> list[str]:
    """The scalar functions that SQL can call, by name."""
    return sorted(
        name for name in FUNCTIONS if name.isidentifier() and name not in (*_GRAMMAR, *FUNCTIONS_REFUSED)
    )


def markdown() -> str:
    """Both halves as tables for the docs, and the functions."""
    lines = ["| offered | in detail |", "|---|---|"]
    lines += [f"| {construct} | {detail.replace('|', chr(92) + '|')} |" for construct, detail in SUPPORTED]
    lines += ["", "| refused | why | instead |", "|---|---|---|"]
    lines += [f"| {r.construct} | {r.message} | {r.remedy} |" for r in refused()]
    lines += ["", "Functions: " + ", ".join(f"`{name}`" for name in function_names()) + "."]
    return "\n".join(lines) + "\n"


def refused() -> list[Reason]:
    """Every reason once, in the order of the tables."""
    tables = (
        STATEMENTS_REFUSED, CLAUSES_REFUSED, JOINS_REFUSED, RELATIONS_REFUSED, {None: GROUPINGS_REFUSED},
        EXPRESSIONS_REFUSED, FUNCTIONS_REFUSED,
    )  # fmt: skip
    reasons = [reason for table in tables for reason in table.values()]
    return list(dict.fromkeys(reasons))
