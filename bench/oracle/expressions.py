"""Scalar expressions over rows at the edges, whose values are frozen from Flink: every function, every family of kinds.

Columns: i, j INT, b BIGINT, t TINYINT, d, e DOUBLE, f FLOAT, m DECIMAL(10, 2), x, y STRING, c BOOLEAN, ts, us
TIMESTAMP(3), dt DATE, lz TIMESTAMP_LTZ(3); n is the row's number. What fails for a row in Flink fails the whole
job there, so such expressions are guarded, or frozen as failing.
"""

import itertools
from collections.abc import Iterator

COLUMNS = (
    ("n", "INT"), ("i", "INT"), ("j", "INT"), ("b", "BIGINT"), ("t", "TINYINT"), ("d", "DOUBLE"), ("e", "DOUBLE"),
    ("f", "FLOAT"), ("m", "DECIMAL(10, 2)"), ("x", "STRING"), ("y", "STRING"), ("c", "BOOLEAN"), ("ts", "TIMESTAMP(3)"),
    ("us", "TIMESTAMP(3)"), ("dt", "DATE"), ("lz", "TIMESTAMP_LTZ(3)"),
)  # fmt: skip

_NOTHING = (None,) * 15
_ROWS: tuple[tuple[object, ...], ...] = (
    _NOTHING,
    (0, 1, 0, 0, 0.0, 1.0, 0.0, 0, "", "", False, "1970-01-01 00:00:00", "1970-01-01 00:00:00", "1970-01-01", "1970-01-01 00:00:00Z"),
    (7, 2, 1234567890123, 5, 2.5, 0.5, 1.5, 12.34, "Hello, World", "o", True, "2026-11-22 11:05:07.123", "2026-01-31 23:59:59.999", "2026-11-22", "2026-11-22 11:05:07.123Z"),
    (-7, 2, -1234567890123, -5, -2.5, 2.0, -1.5, -12.35, "  padded  ", " ", False, "1969-12-31 23:59:59.999", "2024-02-29 12:00:00", "2024-02-29", "1969-12-31 23:59:59.999Z"),
    (7, -2, 5, 3, 2.4999, -2.0, 2.25, 0.01, "The quick brown fox", "quick", True, "2024-02-29 00:00:00", "2023-03-01 00:00:00", "2023-12-31", "2024-02-29 00:00:00Z"),
    (-7, -2, -5, -3, -2.4999, -0.5, -2.25, -0.01, "a,b,,c", ",", None, "2023-12-31 23:59:59.001", "2025-01-01 00:00:00", "2025-01-01", "2023-12-31 23:59:59.001Z"),
    (2147483647, 2147483647, 9223372036854775807, 127, 1.7976931348623157e308, 2.0, 3.4028235e38, 99999999.99, "héllo wörld ñ", "ö", True, "9999-12-31 23:59:59.999", "2000-01-01 00:00:00", "9999-12-31", "2026-12-31 23:59:59.999Z"),
    (-2147483648, -1, -9223372036854775808, -128, -1.7976931348623157e308, 3.0, -3.4028235e38, -99999999.99, "日本語テキスト", "語", False, "1900-03-01 00:00:00", "1582-10-15 00:00:00", "1900-02-28", "1900-03-01 00:00:00Z"),
    (123, 10, 123, 100, 0.1, 3.0, 0.1, 0.5, "123", "3", True, "2026-06-30 12:30:45.678", "2026-07-01 00:00:00", "2026-06-30", "2026-06-30 12:30:45.678Z"),
    (1, 3, 1, 1, 0.5, 1.5, 0.5, 1.5, "aaa", "a", True, "2026-01-01 00:00:00", "2026-12-31 23:00:00", "2026-01-04", "2026-01-01 00:00:00Z"),
    (-1, 3, -1, -1, -0.5, -1.5, -0.5, -1.5, "line\nbreak\ttab", "\n", False, "2027-01-03 12:00:00", "2027-01-04 12:00:00", "2027-01-03", "2027-01-03 12:00:00Z"),
    (100, 7, 100000, 10, 1234567.5, 0.001, 1234567.5, 1234.5, "😀 emoji 😀", "😀", None, "2026-03-31 10:00:00", "2026-02-28 10:00:00", "2026-03-31", "2026-03-31 10:00:00Z"),
    (3, 0, 10, 2, 1e-5, 0.25, 1e-5, 100, "-1.5e3", ".", True, "2026-11-22 00:00:00", "2026-11-22 00:00:00.001", "2026-11-23", "2026-11-22 00:00:00Z"),
    (12, 5, 10000000, 4, 10000000.0, 10.0, 1e7, 0, "2026-11-22 11:05:07", "2026-11-22", False, "2026-11-22 23:59:59", "2026-11-23 00:00:00", "2026-11-22", "2026-11-22 23:59:59Z"),
    (42, 6, 42, 42, 0.999, 1.0, 0.999, 0.99, '{"a":{"b":[1,"two",null]},"n":1.50,"t":true}', "b", True, "2026-08-09 01:02:03.004", "2026-08-10 05:06:07.008", "2026-08-09", "2026-08-09 01:02:03.004Z"),
    (5, 4, 9007199254740993, 9, 2.675, 2.0, 2.675, 2.67, "camelCase_and-dash.dot 9th", "_", False, "2026-10-25 02:30:00", "2026-03-29 02:30:00", "2026-10-25", "2026-10-25 02:30:00Z"),
)  # fmt: skip
ROWS = tuple(dict(zip((name for name, _ in COLUMNS), (n, *row), strict=True)) for n, row in enumerate(_ROWS))


def _each(form: str, *options: str) -> list[str]:
    """`form` with every combination of the words of each option in its `{}`s."""
    return [form.format(*chosen) for chosen in itertools.product(*(option.split() for option in options))]


NUMBERS = "i b t d f m"


EXPRESSIONS: dict[str, list[str]] = {
    "+": [*_each("{} + {}", "i b d m", "j t e m"), "f + i", "2147483647 + i", "t + t", "m + 0.001", "ts + INTERVAL '1' DAY", "dt + INTERVAL '1' DAY",
          "ts + INTERVAL '1' MONTH", "us + INTERVAL '13' MONTH", "dt + INTERVAL '1' YEAR", "ts + INTERVAL '-1.5' SECOND", "INTERVAL '1' HOUR + ts",
          "us + INTERVAL '7000' YEAR(4)", "us + INTERVAL '9000' YEAR(4)", "dt + INTERVAL '9000' YEAR(4)"],
    "-": [*_each("{} - {}", "i b d m", "j t e m"), "-i", "-b", "-t", "-d", "-m", "-f", "ts - INTERVAL '2' HOUR", "us - INTERVAL '1' MONTH", "dt - INTERVAL '1' MONTH",
          "us - INTERVAL '1000' YEAR(4)", "us - INTERVAL '3000' YEAR(4)", "ts - INTERVAL '1 02:03:04.5' DAY TO SECOND", "ts - INTERVAL '1-2' YEAR TO MONTH"],
    "*": [*_each("{} * {}", "i b d m", "j t e m"), "f * i", "t * t", "0.908 * b", "0.908 * i", "i * 1.5", "m * m * m"],
    "/": [*_each("{} / NULLIF({}, 0)", "i b t m", "j t m"), "d / e", "d / i", "i / 2.0", "m / 3", "1 / e", "f / 3", "d / 0", "-7 / 2", "7 / -2"],
    "%": [*_each("{} % NULLIF({}, 0)", "i b t", "j t"), "MOD(i, 3)", "MOD(b, 10000)", "MOD(-7, 3)", "MOD(7, -3)", "MOD(m, 3)", "MOD(i, 1.5)", "i % 2"],
    "=": [*_each("{} = {}", "i m d", "j t e"), "x = y", "c = TRUE", "x = '123'", "ts = us", "dt = DATE '2026-11-22'", "ts = TIMESTAMP '2026-11-22 11:05:07.123'"],
    "<>": ["i <> j", "x <> y", "d <> e", "c <> FALSE", "m <> 12.34"],
    "<": ["i < j", "x < y", "d < e", "m < i", "ts < us", "dt < DATE '2026-01-01'", "c < TRUE"], "<=": ["i <= j", "x <= y", "ts <= us"],
    ">": ["i > j", "x > y", "b > d", "ts > us", "0.908 * b > 1000000"], ">=": ["i >= j", "x >= 'a'", "m >= 0.5"],
    "IS DISTINCT FROM": ["i IS DISTINCT FROM j", "x IS DISTINCT FROM NULL"], "IS NOT DISTINCT FROM": ["i IS NOT DISTINCT FROM j", "x IS NOT DISTINCT FROM NULL"],
    "IS NULL": ["x IS NULL", "x IS NOT NULL", "c IS NULL"], "IS TRUE": ["c IS TRUE", "c IS NOT TRUE"], "IS FALSE": ["c IS FALSE", "c IS NOT FALSE"],
    "AND": ["c AND i > 0", "c AND NULL", "FALSE AND c"], "OR": ["c OR i > 0", "c OR CAST(NULL AS BOOLEAN)", "TRUE OR c"], "NOT": ["NOT c", "NOT (i > j)"],
    "IN": ["i IN (1, 7)", "i NOT IN (1, 7)", "i IN (7, NULL)", "x IN ('aaa', '123')", "m IN (12.34, 0.5)", "i BETWEEN 0 AND 100", "i NOT BETWEEN j AND 100", "x BETWEEN 'A' AND 'b'",
           "d BETWEEN -1 AND 1", "dt BETWEEN DATE '2026-01-01' AND DATE '2026-12-31'"],
    "CASE": ["CASE WHEN i > 0 THEN 'plus' WHEN i < 0 THEN 'minus' ELSE 'zero' END", "CASE i WHEN 7 THEN x ELSE y END", "CASE WHEN c THEN i ELSE m END", "CASE WHEN c THEN i END",
             "CASE WHEN c THEN 1 ELSE 2.5 END", "IF(c, i, j)", "IF(i > 0, x, y)"],
    "COALESCE": ["COALESCE(i, -1)", "COALESCE(x, y, 'none')", "COALESCE(m, 0)", "COALESCE(i, b)", "COALESCE(c, FALSE)"], "IFNULL": ["IFNULL(i, 0)", "IFNULL(x, '-')"],
    "NULLIF": ["NULLIF(i, 7)", "NULLIF(x, y)", "NULLIF(m, 0)"], "GREATEST": ["GREATEST(i, j)", "GREATEST(i, j, 3)", "GREATEST(d, e)", "GREATEST(x, y)"],
    "LEAST": ["LEAST(i, j)", "LEAST(m, 1.5)", "LEAST(x, y)"],
    # numbers
    "ABS": _each("ABS({})", NUMBERS), "CEIL": [*_each("CEIL({})", NUMBERS), "CEILING(d)", "CEIL(ts TO HOUR)", "CEIL(ts TO DAY)", "CEIL(ts TO MONTH)", "CEIL(dt TO MONTH)"],
    "FLOOR": [*_each("FLOOR({})", NUMBERS), *_each("FLOOR(ts TO {})", "YEAR QUARTER MONTH WEEK DAY HOUR MINUTE SECOND"), "FLOOR(dt TO YEAR)", "FLOOR(dt TO MONTH)"],
    "ROUND": [*_each("ROUND({})", NUMBERS), *_each("ROUND({}, {})", "i d m", "0 1 2 -1 -2"), "ROUND(f, 1)", "ROUND(b, -3)"],
    "TRUNCATE": [*_each("TRUNCATE({})", "i d m"), *_each("TRUNCATE({}, {})", "i d m", "0 1 -1"), "TRUNCATE(f, 1)"],
    "SIGN": _each("SIGN({})", NUMBERS), "POWER": ["POWER(d, 2)", "POWER(i, 2)", "POWER(e, 0.5)", "POWER(2, t)", "POWER(m, 2)", "POW(d, 2)"],
    "LOG": ["LOG(e)", "LOG(2, b)", "LOG(10, b)", "LOG(i)"], "LN": ["LN(e)", "LN(b)"], "LOG10": ["LOG10(e)", "LOG10(b)"], "LOG2": ["LOG2(e)", "LOG2(b)"], "EXP": ["EXP(e)", "EXP(t)"],
    "SQRT": ["SQRT(d)", "SQRT(b)", "SQRT(m)"], **{name: [f"{name}(d)", f"{name}(e)"] for name in ("SIN", "COS", "TAN", "COT", "ASIN", "ACOS", "ATAN", "SINH", "COSH", "TANH", "DEGREES", "RADIANS")},
    "ATAN2": ["ATAN2(d, e)", "ATAN2(i, j)"], "PI": ["PI()"], "E": ["E()"],
    "TRY_CAST": [*_each("TRY_CAST(x AS {})", "INT BIGINT TINYINT DOUBLE BOOLEAN DATE"), "TRY_CAST(x AS DECIMAL(10, 2))", "TRY_CAST(x AS TIMESTAMP(3))", "TRY_CAST(y AS DATE)", "TRY_CAST(x AS FLOAT)"],
    "CAST": [*_each("CAST({} AS {})", "i b t d f m", "TINYINT SMALLINT INT BIGINT FLOAT DOUBLE STRING"), *_each("CAST({} AS DECIMAL(10,1))", "i t m"),
             "CAST(d AS DECIMAL(20, 3))", "CAST(CAST(i AS DECIMAL(20, 5)) AS STRING)", "CAST(c AS INT)", "CAST(c AS STRING)", "CAST(i AS BOOLEAN)", "CAST(ts AS STRING)", "CAST(ts AS DATE)",
             "CAST(dt AS STRING)", "CAST(dt AS TIMESTAMP(3))", "CAST(ts AS TIMESTAMP(0))", "CAST(ts AS TIMESTAMP(6))", "CAST(lz AS STRING)", "CAST(ts AS TIMESTAMP_LTZ(3))", "CAST(lz AS TIMESTAMP(3))",
             "CAST(x AS VARCHAR(4))", "CAST(x AS CHAR(4))", "CAST(i AS VARCHAR(2))", "CAST(ts AS TIME)", "CAST(x AS BYTES)", "CAST(CAST(x AS BYTES) AS STRING)"],
    # texts
    **{name: [f"{name}(x)", f"{name}(y)"] for name in ("UPPER", "LOWER", "INITCAP", "REVERSE", "CHAR_LENGTH", "CHARACTER_LENGTH", "TRIM", "LTRIM", "RTRIM", "BTRIM")},
    "UCASE": ["UCASE(x)"], "LCASE": ["LCASE(x)"], "LENGTH": ["LENGTH(x)"], "OCTET_LENGTH": ["OCTET_LENGTH(x)"],
    "TRIM OF": ["TRIM(BOTH 'a' FROM x)", "TRIM(LEADING ' ' FROM x)", "TRIM(TRAILING ' ' FROM x)", "LTRIM(x, 'aH')", "RTRIM(x, 'ad')", "BTRIM(x, 'a')"],
    "SUBSTRING": [*_each("SUBSTRING(x, {})", "1 2 0 -1 -3 100 i"), *_each("SUBSTRING(x, {}, {})", "1 2 0 -3", "0 1 3 100"), "SUBSTR(x, 2, 3)", "SUBSTRING(x FROM 2 FOR 4)", "SUBSTRING(x, 2, -1)", "SUBSTR(x, j, 2)"],
    "LEFT": ["LEFT(x, 3)", "LEFT(x, 0)", "LEFT(x, -1)", "LEFT(x, t)"], "RIGHT": ["RIGHT(x, 3)", "RIGHT(x, 0)", "RIGHT(x, -1)"],
    "CONCAT": ["CONCAT(x, y)", "CONCAT(x, '-', y)", "x || y", "x || CAST(i AS STRING)"], "CONCAT_WS": ["CONCAT_WS('-', x, y)", "CONCAT_WS('-', x, CAST(NULL AS STRING), y)", "CONCAT_WS(y, 'a', 'b')"],
    "REPLACE": ["REPLACE(x, 'a', 'bb')", "REPLACE(x, y, '<>')", "REPLACE(x, 'l', '')", "REPLACE(x, '', '-')"], "POSITION": ["POSITION(y IN x)", "POSITION('' IN x)", "POSITION('l' IN x)"],
    "INSTR": ["INSTR(x, y)", "INSTR(x, 'l')"], "LPAD": ["LPAD(x, 15, '*')", "LPAD(x, 3, 'ab')", "LPAD(x, 20, 'ab')", "LPAD(x, -1, 'a')", "LPAD(x, 0, 'a')", "LPAD(x, 8, '')"],
    "RPAD": ["RPAD(x, 15, '*')", "RPAD(x, 3, 'ab')", "RPAD(x, 20, 'ñ')", "RPAD(x, 0, 'a')"], "REPEAT": ["REPEAT(x, 2)", "REPEAT(x, 0)", "REPEAT(x, -1)", "REPEAT('ab', t)"],
    "SPLIT_INDEX": [*_each("SPLIT_INDEX(x, ',', {})", "0 1 2 3 4 -1"), "SPLIT_INDEX(x, ' ', 1)", "SPLIT_INDEX(x, y, 0)", "SPLIT_INDEX(x, y, 1)", "SPLIT_INDEX(x, 'll', 1)",
                    "SPLIT_INDEX('https://a.b/c/d/e?q', '/', 3)", "SPLIT_INDEX('https://a.b/c/d/e?q', '/', 5)", "SPLIT_INDEX('a', '/', 0)", "SPLIT_INDEX(x, '.', 0)", "SPLIT_INDEX(x, ',', i)"],
    "REGEXP_EXTRACT": ["REGEXP_EXTRACT(x, '([a-z]+)', 1)", "REGEXP_EXTRACT(x, '([a-z]+) ([a-z]+)', 2)", "REGEXP_EXTRACT(x, '[0-9]+')", "REGEXP_EXTRACT(x, '(&|^)channel_id=([^&]*)', 2)",
                       "REGEXP_EXTRACT('u?q=1&channel_id=77&z=2', '(&|^)channel_id=([^&]*)', 2)", "REGEXP_EXTRACT(x, '(x)?(a)', 1)", "REGEXP_EXTRACT(x, '(a)', 3)", "REGEXP_EXTRACT(x, '^$', 0)", "REGEXP_EXTRACT(x, '\\w+', 0)",
                       "REGEXP_EXTRACT(x, '.', 0)", "REGEXP_EXTRACT(x, '(?i)HELLO', 0)", "REGEXP_EXTRACT(x, '\\d{2,}', 0)", "REGEXP_EXTRACT(x, '[[:alpha:]]+', 0)"],
    "REGEXP_REPLACE": ["REGEXP_REPLACE(x, '[aeiou]', '*')", "REGEXP_REPLACE(x, '(l+)', '<$1>')", "REGEXP_REPLACE(x, '\\s+', ' ')", "REGEXP_REPLACE(x, 'z', '')", "REGEXP_REPLACE(x, '', '-')", "REGEXP_REPLACE(x, '\\w', '.')"],
    "REGEXP": ["REGEXP(x, '^[a-z]')", "REGEXP(x, 'o')", "REGEXP(x, '')", "REGEXP(x, '^.*$')", "REGEXP(x, '\\d')"],
    "LIKE": ["x LIKE '%l%'", "x LIKE 'a_a'", "x LIKE 'Hello%'", "x LIKE '%d'", "x NOT LIKE '%o%'", "x LIKE ''", "x LIKE '%'", "x LIKE '%!_%' ESCAPE '!'", "x LIKE '_____'", "x LIKE '%k%'", "x LIKE '%,%,%'", "x LIKE 'h%ö%'"],
    "STARTSWITH": ["STARTSWITH(x, 'a')", "STARTSWITH(x, y)", "STARTSWITH(x, '')", "STARTS_WITH(x, 'a')"], "ENDSWITH": ["ENDSWITH(x, 'd')", "ENDSWITH(x, y)", "ENDS_WITH(x, 'd')"],
    "JSON_VALUE": ["JSON_VALUE(x, '$.a.b[0]')", "JSON_VALUE(x, '$.a.b[1]')", "JSON_VALUE(x, '$.n')", "JSON_VALUE(x, '$.t')", "JSON_VALUE(x, '$.a')", "JSON_VALUE(x, '$.missing')", "JSON_VALUE(x, '$.a.b[2]')", "JSON_VALUE(x, '$.a.b[9]')"],
    "JSON_QUERY": ["JSON_QUERY(x, '$.a')", "JSON_QUERY(x, '$.a.b')", "JSON_QUERY(x, '$.n')", "JSON_QUERY(x, '$')"], "JSON_EXISTS": ["JSON_EXISTS(x, '$.a.b[2]')", "JSON_EXISTS(x, '$.z')", "JSON_EXISTS(x, '$.a.b[9]')", "JSON_EXISTS(x, '$.t')"],
    # texts in other forms
    **{name: [f"{name}(x)"] for name in ("MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "TO_BASE64", "URL_ENCODE", "URL_DECODE", "ASCII", "IS_ALPHA", "IS_DIGIT", "IS_DECIMAL")},
    "URL_DECODE OF": ["URL_DECODE('a+b%20c%C3%B1')", "URL_DECODE('a%zz')"], "IS_DECIMAL OF": ["IS_DECIMAL('1.5')", "IS_DECIMAL('-2')", "IS_DECIMAL('1e3')", "IS_DIGIT('12')", "IS_ALPHA('ñ')", "IS_ALPHA(y)"],
    "SHA2": ["SHA2(x, 256)", "SHA2(y, 512)"], "HEX": ["HEX(x)", "HEX(b)", "HEX(i)", "HEX(t)"], "BIN": ["BIN(b)", "BIN(i)", "BIN(t)"], "CHR": ["CHR(i)", "CHR(t)", "CHR(65)", "CHR(b)"],
    "PARSE_URL": [*(f"PARSE_URL('http://me:pw@a.b:80/c/d.html?q=1&k=v%20w#r', '{part}')" for part in ("HOST", "PATH", "QUERY", "REF", "PROTOCOL", "FILE", "AUTHORITY", "USERINFO")),
                  "PARSE_URL('http://a.b/c?q=1&k=v', 'QUERY', 'k')", "PARSE_URL('http://a.b/c?q=1&k=v', 'QUERY', 'z')", "PARSE_URL(x, 'HOST')", "PARSE_URL('http://a.b', 'PATH')", "PARSE_URL('http://a.b', 'REF')"],
    "LOCATE": ["LOCATE(y, x)", "LOCATE('l', x)", "LOCATE('l', x, 5)", "LOCATE('a', x, 2)", "LOCATE('', x)", "LOCATE('a', x, 0)", "LOCATE('a', x, -1)", "LOCATE('a', x, 99)"],
    "OVERLAY": ["OVERLAY(x PLACING 'XY' FROM 2)", "OVERLAY(x PLACING 'XY' FROM 2 FOR 5)", "OVERLAY(x PLACING y FROM 1 FOR 0)", "OVERLAY(x PLACING 'XY' FROM 100)", "OVERLAY(x PLACING 'XY' FROM 0)", "OVERLAY(x PLACING 'é' FROM 3 FOR 1)"],
    "TRANSLATE": ["TRANSLATE(x, 'abc', 'xy')", "TRANSLATE(x, 'lo', '01')", "TRANSLATE(x, 'aa', 'xy')", "TRANSLATE(x, 'öñ', 'on')", "TRANSLATE(x, '', 'z')"],
    "ELT": ["ELT(i, x, y)", "ELT(2, x, y)", "ELT(3, x, y)"],
    "REGEXP_COUNT": ["REGEXP_COUNT(x, 'a')", "REGEXP_COUNT(x, '[a-z]+')"], "REGEXP_SUBSTR": ["REGEXP_SUBSTR(x, '[a-z]+')", "REGEXP_SUBSTR(x, 'z')"], "REGEXP_INSTR": ["REGEXP_INSTR(x, '[a-z]+')", "REGEXP_INSTR(x, 'ö')"],
    # moments
    **{name: [f"{name}(ts)", f"{name}(dt)"] for name in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAYOFYEAR", "DAYOFMONTH", "DAYOFWEEK")}, **{name: [f"{name}(ts)", f"{name}(us)"] for name in ("HOUR", "MINUTE", "SECOND")},
    "EXTRACT": _each("EXTRACT({} FROM ts)", "YEAR QUARTER MONTH WEEK DAY DOW DOY HOUR MINUTE SECOND MILLISECOND EPOCH ISODOW") + _each("EXTRACT({} FROM dt)", "YEAR MONTH DAY DOW"),
    "TIMESTAMPADD": [*_each("TIMESTAMPADD({}, i, us)", "SECOND MINUTE"), *_each("TIMESTAMPADD({}, t, us)", "HOUR DAY WEEK MONTH QUARTER YEAR"), *_each("TIMESTAMPADD({}, i, us)", "DAY WEEK MONTH YEAR"), *_each("TIMESTAMPADD({}, b, us)", "SECOND DAY YEAR"), "TIMESTAMPADD(DAY, i, dt)", "DATE_FORMAT(TIMESTAMPADD(DAY, i, us), 'yyyy-MM-dd')", "EXTRACT(YEAR FROM TIMESTAMPADD(DAY, i, us))", "TIMESTAMPADD(MONTH, 1, dt)", "TIMESTAMPADD(DAY, t, dt)"],
    "TIMESTAMPDIFF": [*_each("TIMESTAMPDIFF({}, us, ts)", "SECOND MINUTE HOUR DAY MONTH YEAR"), "TIMESTAMPDIFF(DAY, dt, DATE '2026-11-22')", "TIMESTAMPDIFF(MONTH, ts, us)"],
    "DATE_FORMAT": [*_each("DATE_FORMAT(ts, '{}')", "yyyy-MM-dd HH:mm yyyyMMdd''T''HHmmss.SSS dd/MM/yy yyyy-MM-dd''_''HH:mm:ss.SSS H:m:s MMM EEE D a hh M/d"), "DATE_FORMAT(x, 'yyyy')", "DATE_FORMAT(y, 'yyyy')"],
    "TO_TIMESTAMP": ["TO_TIMESTAMP(x)", "TO_TIMESTAMP(y)", "TO_TIMESTAMP(y, 'yyyy-MM-dd')", "TO_TIMESTAMP('2026-11-22T11:05', 'yyyy-MM-dd''T''HH:mm')", "TO_TIMESTAMP('22.11.2026 01:02:03', 'dd.MM.yyyy HH:mm:ss')", "TO_TIMESTAMP('2026-02-30 00:00:00')"],
    "TO_TIMESTAMP_LTZ": ["TO_TIMESTAMP_LTZ(b, 3)", "TO_TIMESTAMP_LTZ(i, 0)", "TO_TIMESTAMP_LTZ(1234567890123, 3)", "TO_TIMESTAMP_LTZ(b, 0)"], "TO_DATE": ["TO_DATE(y)", "TO_DATE(x)", "TO_DATE('22/11/2026', 'dd/MM/yyyy')", "TO_DATE('2026-02-30')"],
    "UNIX_TIMESTAMP": ["UNIX_TIMESTAMP(x)", "UNIX_TIMESTAMP(y, 'yyyy-MM-dd')", "UNIX_TIMESTAMP() > 0"], "FROM_UNIXTIME": ["FROM_UNIXTIME(i)", "FROM_UNIXTIME(i, 'yyyy-MM-dd HH:mm')", "FROM_UNIXTIME(0)"],
    "CURRENT_TIMESTAMP": ["CURRENT_TIMESTAMP > TIMESTAMP '2026-01-01 00:00:00'", "CURRENT_TIMESTAMP IS NULL", "NOW() IS NULL", "CURRENT_ROW_TIMESTAMP() IS NULL", "LOCALTIMESTAMP IS NULL", "PROCTIME() IS NULL", "CURRENT_DATE IS NULL"],
    "literals": ["1", "2147483648", "1.50", "0.908", "1e3", "'text'", "TRUE", "DATE '2026-11-22'", "TIMESTAMP '2026-11-22 11:05:07.123'", "CAST(NULL AS INT)", "-1", "-2147483648", "''''", "'ñ'"],
}  # fmt: skip


def expressions() -> Iterator[str]:
    """All of them, once."""
    yield from dict.fromkeys(itertools.chain.from_iterable(EXPRESSIONS.values()))
