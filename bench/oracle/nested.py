"""Expressions over arrays, maps, rows and JSON, whose values are frozen from Flink as those of `expressions` are.

Columns: a, b ARRAY<INT>, s ARRAY<STRING>, d ARRAY<DOUBLE>, aa ARRAY<ARRAY<INT>>, ar ARRAY<ROW<p INT, q STRING>>,
m MAP<STRING, INT>, ma MAP<STRING, ARRAY<INT>>, r ROW<x INT, y STRING, z ROW<k INT>>, ts ARRAY<TIMESTAMP(3)>, i INT, x STRING;
j STRING holds JSON, or what is none.
"""

from collections.abc import Iterator

COLUMNS = (
    ("n", "INT"), ("i", "INT"), ("x", "STRING"), ("a", "ARRAY<INT>"), ("b", "ARRAY<INT>"), ("s", "ARRAY<STRING>"), ("d", "ARRAY<DOUBLE>"),
    ("aa", "ARRAY<ARRAY<INT>>"), ("ar", "ARRAY<ROW<p INT, q STRING>>"), ("m", "MAP<STRING, INT>"), ("ma", "MAP<STRING, ARRAY<INT>>"),
    ("r", "ROW<x INT, y STRING, z ROW<k INT>>"), ("ts", "ARRAY<TIMESTAMP(3)>"), ("j", "STRING"),
)  # fmt: skip

_ROWS: tuple[dict[str, object], ...] = (
    {},
    {"i": 1, "x": "k", "a": [], "b": [], "s": [], "d": [], "aa": [], "ar": [], "m": {}, "ma": {}, "r": {}, "ts": [], "j": ""},
    {"i": 2, "x": "z", "a": [3, 1, 2], "b": [2, 3, 4], "s": ["b", "a"], "d": [1.5, -0.5], "aa": [[1], [2, 3]],
     "ar": [{"p": 1, "q": "u"}, {"p": 2, "q": None}], "m": {"k": 1, "z": 2}, "ma": {"k": [1, 2]},
     "r": {"x": 1, "y": "one", "z": {"k": 7}}, "ts": ["2026-11-22 11:05:07.123"], "j": '{"a":{"b":[1,"two",null]},"n":1.50,"t":true,"s":"12"}'},
    {"i": -1, "x": "", "a": [1, None, 1, 2], "b": [None, 1], "s": [None, "x,y", ""], "d": [None, 1e10, 0.1], "aa": [None, [None, 1], [None, 1]],
     "ar": [None, {"p": None, "q": "ñ"}], "m": {"": None, "ü": -5}, "ma": {"": None, "e": []}, "r": {"y": "a,b"},
     "ts": [None, "1969-12-31 23:59:59.999"], "j": '[1, {"a": 2}, [3]]'},
    {"i": 3, "x": "k", "a": [2147483647, -2147483648], "b": [7], "s": ["日本"], "d": [0.0], "aa": [[]], "ar": [{}],
     "m": {"k": None}, "ma": {"k": [None]}, "r": {"x": 5, "z": {}}, "ts": [], "j": '"text"'},
    {"i": 0, "x": "a=1", "a": [7], "b": [7], "s": ["one"], "d": [2.0], "aa": [[7]], "ar": [{"p": 9, "q": "nine"}],
     "m": {"k": 7}, "ma": {"k": [7]}, "r": {"x": 7, "y": "", "z": {"k": None}}, "ts": [], "j": "{broken"},
    {"i": 4, "x": "a=1,b=2,,c", "a": [1, 2, 3, 4, 5], "b": [5, 5], "s": ["a", "b", "a"], "d": [3.0, 1.0], "aa": [[1], [1]],
     "ar": [], "m": {"a": 1}, "ma": {}, "r": {"x": 1, "y": "q\"uote", "z": {"k": 1}}, "ts": [], "j": "null"},
)  # fmt: skip
ROWS = tuple({"n": n, **row} for n, row in enumerate(_ROWS))

# In Flink 2.3 a call fails for some rows where ours gives NULL; such calls are guarded with `n`.
EXPRESSIONS: dict[str, list[str]] = {
    "columns": ["a", "s", "aa", "ar", "m", "ma", "r", "ts", "r.x", "r.y", "r.z", "r.z.k", "ar[1].p", "ar[2].q"],
    "ITEM": ["a[1]", "a[3]", "a[i]", "s[2]", "aa[2]", "aa[2][1]", "m['k']", "m['nothing']", "m[x]", "ma['k']", "ma['k'][1]", "ARRAY[1, 2, 3][2]", "MAP['a', 1]['a']", "a[0]", "a['x']", "m[1]", "a[CAST(1 AS BIGINT)]"],
    "ARRAY": ["ARRAY[1, 2]", "ARRAY[i, 7]", "ARRAY[i, CAST(NULL AS INT)]", "ARRAY[1, 2.5]", "ARRAY['a', 'bcd']", "ARRAY[x, 'a']", "ARRAY[a, b]", "ARRAY[1, 'a']", "ARRAY[i, CAST(1 AS BIGINT)]", "ARRAY[TRUE, FALSE]", "ARRAY[ROW(1, 'a'), ROW(i, x)]", "ARRAY[NULL, 1]"],
    "MAP": ["MAP['a', 1]", "MAP['a', i, 'b', 2]", "MAP[x, i]", "MAP['a', 1, 'a', 2]", "MAP[1, 'a', 2, 'b']", "MAP['a', a]", "MAP['a', 1, 'b', 2.5]", "CARDINALITY(MAP['a', 1, 'a', 2])", "MAP['a']"],
    "ROW": ["ROW(1, 'a')", "ROW(i, x)", "ROW(i, a)", "ROW(ROW(i), x)", "CAST(ROW(i, x) AS ROW<p BIGINT, q STRING>)", "ROW(i, x) = ROW(2, 'z')", "ROW(i, x) <> ROW(2, 'z')", "ROW(i, CAST(NULL AS INT)) = ROW(2, 1)"],
    "CAST": ["CAST(a AS STRING)", "CAST(s AS STRING)", "CAST(d AS STRING)", "CAST(aa AS STRING)", "CAST(m AS STRING)", "CAST(ma AS STRING)", "CAST(r AS STRING)", "CAST(ar AS STRING)", "CAST(ts AS STRING)",
             "CAST(a AS ARRAY<BIGINT>)", "CAST(a AS ARRAY<STRING>)", "CAST(d AS ARRAY<INT>)", "CAST(m AS MAP<STRING, BIGINT>)", "CAST(m AS MAP<STRING, STRING>)", "CAST(r AS ROW<a BIGINT, b STRING, c ROW<d STRING>>)",
             "CAST(ar AS ARRAY<ROW<a STRING, b STRING>>)", "CAST(a AS INT)", "CAST(a AS MAP<STRING, INT>)", "CAST(ROW(1, 2) AS ROW<a INT>)"],
    "=": ["a = b", "a <> b", "a = ARRAY[7]", "s = ARRAY['one']", "m = MAP['k', 7]", "a IS NULL", "a IS NOT DISTINCT FROM b", "r = r", "aa = aa"],
    "CASE": ["CASE WHEN i > 0 THEN a ELSE b END", "COALESCE(a, ARRAY[0])", "NULLIF(a, b)", "COALESCE(m, MAP['none', 0])", "IF(i = 2, s, ARRAY['else'])"],
    "CARDINALITY": ["CARDINALITY(a)", "CARDINALITY(m)", "CARDINALITY(aa)", "CARDINALITY(ARRAY[1])", "CARDINALITY(x)"],
    "ELEMENT": ["CASE WHEN CARDINALITY(a) <= 1 THEN ELEMENT(a) END"],
    "ARRAY_CONTAINS": ["ARRAY_CONTAINS(a, 1)", "ARRAY_CONTAINS(a, i)", "ARRAY_CONTAINS(a, CAST(NULL AS INT))", "ARRAY_CONTAINS(s, 'a')", "ARRAY_CONTAINS(aa, ARRAY[1])", "ARRAY_CONTAINS(ar, ROW(1, 'u'))", "ARRAY_CONTAINS(a, 'x')", "ARRAY_CONTAINS(a, CAST(2 AS BIGINT))"],
    "ARRAY_POSITION": ["ARRAY_POSITION(a, 1)", "ARRAY_POSITION(a, i)", "ARRAY_POSITION(a, CAST(NULL AS INT))", "ARRAY_POSITION(s, 'a')"],
    "ARRAY_APPEND": ["ARRAY_APPEND(a, 9)", "ARRAY_APPEND(a, CAST(NULL AS INT))", "ARRAY_APPEND(s, x)"], "ARRAY_PREPEND": ["ARRAY_PREPEND(a, 9)", "ARRAY_PREPEND(a, i)", "ARRAY_PREPEND(s, x)"],
    "ARRAY_REMOVE": ["ARRAY_REMOVE(a, 1)", "ARRAY_REMOVE(a, i)", "ARRAY_REMOVE(a, CAST(NULL AS INT))", "ARRAY_REMOVE(s, 'a')"], "ARRAY_REVERSE": ["ARRAY_REVERSE(a)", "ARRAY_REVERSE(s)", "ARRAY_REVERSE(aa)"],
    "ARRAY_DISTINCT": ["ARRAY_DISTINCT(a)", "ARRAY_DISTINCT(s)", "ARRAY_DISTINCT(aa)", "ARRAY_DISTINCT(ar)"], "ARRAY_UNION": ["ARRAY_UNION(a, b)", "ARRAY_UNION(a, ARRAY[1, 9])", "ARRAY_UNION(s, ARRAY['a'])"],
    "ARRAY_EXCEPT": ["ARRAY_EXCEPT(a, b)", "ARRAY_EXCEPT(a, ARRAY[1])", "ARRAY_EXCEPT(s, ARRAY['a'])"], "ARRAY_INTERSECT": ["ARRAY_INTERSECT(a, b)", "ARRAY_INTERSECT(a, ARRAY[1, 2, 2])"],
    "ARRAY_CONCAT": ["ARRAY_CONCAT(a, b)", "ARRAY_CONCAT(a, b, ARRAY[0])", "ARRAY_CONCAT(a)", "ARRAY_CONCAT(s, ARRAY['a'])"], "ARRAY_MAX": ["ARRAY_MAX(a)", "ARRAY_MAX(s)", "ARRAY_MAX(d)", "ARRAY_MAX(ts)"],
    "ARRAY_MIN": ["ARRAY_MIN(a)", "ARRAY_MIN(s)", "ARRAY_MIN(d)"], "ARRAY_SORT": ["ARRAY_SORT(a)", "ARRAY_SORT(a, TRUE)", "ARRAY_SORT(a, FALSE)", "ARRAY_SORT(a, TRUE, FALSE)", "ARRAY_SORT(a, FALSE, TRUE)", "ARRAY_SORT(s)", "ARRAY_SORT(d, FALSE)"],
    "ARRAY_SLICE": ["ARRAY_SLICE(a, 2)", "ARRAY_SLICE(a, 1, 2)", "ARRAY_SLICE(a, -2)", "ARRAY_SLICE(a, -2, -1)", "ARRAY_SLICE(a, 0, 2)", "ARRAY_SLICE(a, 3, 2)", "ARRAY_SLICE(a, 2, 99)", "ARRAY_SLICE(a, -99, 1)", "ARRAY_SLICE(a, i, 3)", "ARRAY_SLICE(a, 99)", "ARRAY_SLICE(a, 1, 0)", "ARRAY_SLICE(a, 1, -99)"],
    "ARRAY_JOIN": ["ARRAY_JOIN(s, '-')", "ARRAY_JOIN(s, '-', '?')", "ARRAY_JOIN(s, x)", "ARRAY_JOIN(a, '-')"], "SPLIT": ["SPLIT(x, ',')", "SPLIT(x, '')", "SPLIT(x, 'z')", "SPLIT(x, x)"],
    "MAP_KEYS": ["MAP_KEYS(m)", "MAP_KEYS(MAP['a', i])", "MAP_KEYS(a)"], "MAP_VALUES": ["MAP_VALUES(m)", "MAP_VALUES(ma)"], "MAP_ENTRIES": ["MAP_ENTRIES(m)", "MAP_ENTRIES(m)[1].key", "MAP_ENTRIES(MAP['a', i])"],
    "MAP_FROM_ARRAYS": ["MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, i])", "MAP_FROM_ARRAYS(s, s)"], "MAP_UNION": ["MAP_UNION(m, MAP['k', 99])", "MAP_UNION(m, m)"],
    "STR_TO_MAP": ["STR_TO_MAP(x)", "STR_TO_MAP(x, ',', '=')", "STR_TO_MAP('a:1;b:2', ';', ':')", "STR_TO_MAP('a', ',', '=')", "STR_TO_MAP('a=1=2')"],
    # JSON
    "JSON_VALUE": ["JSON_VALUE(j, '$.n')", "JSON_VALUE(j, 'lax $.a.b[1]')", "JSON_VALUE(j, 'strict $.a.b[1]')", "JSON_VALUE(j, '$.n' RETURNING DOUBLE)", "JSON_VALUE(j, '$.t' RETURNING BOOLEAN)", "JSON_VALUE(j, '$.a.b[0]' RETURNING INTEGER)", "JSON_VALUE(j, '$.a.b[0]' RETURNING BIGINT)",
                   "JSON_VALUE(j, '$.s')", "JSON_VALUE(j, '$.q' DEFAULT 'none' ON EMPTY)", "JSON_VALUE(j, '$.a' DEFAULT 'wrong' ON ERROR)", "JSON_VALUE(j, '$.q' RETURNING INTEGER DEFAULT -1 ON EMPTY DEFAULT -2 ON ERROR)", "JSON_VALUE(j, '$.q' NULL ON EMPTY)", "JSON_VALUE(j, '$.a.b[2]' DEFAULT 'none' ON EMPTY DEFAULT 'wrong' ON ERROR)", "JSON_VALUE(j, 'strict $.q' DEFAULT 'none' ON EMPTY DEFAULT 'wrong' ON ERROR)", "JSON_VALUE(j, '$')", "JSON_VALUE(j, '$[0]')", "JSON_VALUE(j, '$[1].a')", "JSON_VALUE(j, 'lax $.q' DEFAULT 'none' ON EMPTY)", "JSON_VALUE(j, 'lax $.a' DEFAULT 'none' ON EMPTY DEFAULT 'wrong' ON ERROR)", "JSON_VALUE(j, 'lax $.s' RETURNING INTEGER DEFAULT -1 ON EMPTY DEFAULT -2 ON ERROR)", "JSON_VALUE(j, 'lax $.n' RETURNING INTEGER)", "JSON_VALUE(j, 'lax $.a.b[1]' RETURNING DOUBLE DEFAULT -2e0 ON ERROR)", "JSON_VALUE(j, 'lax $.s' RETURNING BOOLEAN)"],
    "JSON_QUERY": ["JSON_QUERY(j, '$')", "JSON_QUERY(j, '$.a')", "JSON_QUERY(j, '$.a.b')", "JSON_QUERY(j, '$.n')", "JSON_QUERY(j, '$.n' WITH WRAPPER)", "JSON_QUERY(j, '$.a' WITH UNCONDITIONAL WRAPPER)", "JSON_QUERY(j, '$.a.b' WITH CONDITIONAL ARRAY WRAPPER)", "JSON_QUERY(j, '$.n' WITH CONDITIONAL WRAPPER)", "JSON_QUERY(j, '$.n' WITHOUT WRAPPER)",
                   "JSON_QUERY(j, '$.q' EMPTY ARRAY ON EMPTY)", "JSON_QUERY(j, '$.n' EMPTY OBJECT ON ERROR)", "JSON_QUERY(j, '$.q' EMPTY OBJECT ON EMPTY EMPTY ARRAY ON ERROR)", "JSON_QUERY(j, 'strict $.q' EMPTY ARRAY ON ERROR)", "JSON_QUERY(j, '$.a.b' RETURNING ARRAY<STRING>)", "JSON_QUERY(j, '$' RETURNING ARRAY<STRING>)", "JSON_QUERY(j, 'lax $.q' EMPTY ARRAY ON EMPTY)", "JSON_QUERY(j, 'lax $.q' EMPTY OBJECT ON EMPTY EMPTY ARRAY ON ERROR)", "JSON_QUERY(j, 'lax $.n' EMPTY OBJECT ON EMPTY EMPTY ARRAY ON ERROR)"],
    "JSON_EXISTS": ["JSON_EXISTS(j, '$.a')", "JSON_EXISTS(j, '$.a.b[2]')", "JSON_EXISTS(j, '$.q' TRUE ON ERROR)", "JSON_EXISTS(j, 'strict $.q' TRUE ON ERROR)", "JSON_EXISTS(j, 'strict $.q' UNKNOWN ON ERROR)", "JSON_EXISTS(j, '$.q' FALSE ON ERROR)", "JSON_EXISTS(j, 'lax $.q' TRUE ON ERROR)", "JSON_EXISTS(j, 'lax $.q')", "JSON_EXISTS(j, 'lax $.a.b[2]')"],
    "JSON_OBJECT": ["JSON_OBJECT()", "JSON_OBJECT('a' VALUE i)", "JSON_OBJECT(KEY 'a' VALUE x, KEY 'b' VALUE i)", "JSON_OBJECT('b' VALUE i, 'a' VALUE x ABSENT ON NULL)", "JSON_OBJECT('b' VALUE i NULL ON NULL)", "JSON_OBJECT('o' VALUE JSON_OBJECT('i' VALUE i), 'l' VALUE JSON_ARRAY(i, x))", "JSON_OBJECT('a' VALUE a)", "JSON_OBJECT('r' VALUE r)", "JSON_OBJECT('m' VALUE m)",
                    "JSON_OBJECT('d' VALUE CAST(i AS DOUBLE), 'm' VALUE CAST(i AS DECIMAL(10, 2)), 'b' VALUE i > 0)", "JSON_OBJECT('t' VALUE ts[1])", "JSON_OBJECT('d' VALUE CAST(ts[1] AS DATE))", "JSON_OBJECT('y' VALUE CAST(x AS BYTES))", "JSON_OBJECT('a' VALUE 1, 'a' VALUE 2)"],
    "JSON_ARRAY": ["JSON_ARRAY()", "JSON_ARRAY(i, x)", "JSON_ARRAY(i, x NULL ON NULL)", "JSON_ARRAY(i, x ABSENT ON NULL)", "JSON_ARRAY(JSON_ARRAY(i), a)", "JSON_ARRAY(1, 'a', TRUE, 1.5, 2e0)"],
    "JSON_STRING": ["JSON_STRING(i)", "JSON_STRING(x)", "JSON_STRING(a)", "JSON_STRING(ar)", "JSON_STRING(m)", "JSON_STRING(r)", "JSON_STRING(d)", "JSON_STRING(ts)", "JSON_STRING(i > 1)", "JSON_STRING(CAST(i AS FLOAT))", "JSON_STRING(TIMESTAMP '2026-11-22 11:05:00')", "JSON_STRING(CAST(i AS DOUBLE) / 1e6)", "JSON_STRING(TO_TIMESTAMP_LTZ(1234567890120, 3))", "JSON_STRING(ROW(i, x))", "JSON_STRING(CAST(ROW(i, x) AS ROW<z INT, a STRING>))"],
    "JSON_QUOTE": ["JSON_QUOTE(x)", "JSON_QUOTE(j)", "JSON_QUOTE('a\"b\\c/é')"], "JSON_UNQUOTE": ["JSON_UNQUOTE(j)", "JSON_UNQUOTE('\"a\\\\nb\"')", "JSON_UNQUOTE(x)", "JSON_UNQUOTE('\"abc')"],
    "IS JSON": ["j IS JSON", "j IS JSON VALUE", "j IS JSON OBJECT", "j IS JSON ARRAY", "j IS JSON SCALAR", "j IS NOT JSON", "j IS NOT JSON OBJECT"],
}  # fmt: skip


def expressions() -> Iterator[str]:
    """All of them, once."""
    yield from dict.fromkeys(one for group in EXPRESSIONS.values() for one in group)
