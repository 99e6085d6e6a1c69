"""Where scalar values differ from Flink's on purpose or for now, by reason. This list only shrinks."""

_OURS_IS_RIGHT = """Flink 2.3 takes a moment within the last day before 1970 for 1970-01-01, and its months between moments
miscount by a fraction of a second"""
_BY_REASON: dict[str, tuple[str, ...]] = {
    _OURS_IS_RIGHT: (
        *(f"FLOOR(ts TO {unit})" for unit in ("YEAR", "QUARTER", "MONTH")),
        *(f"{part}(ts)" for part in (
            "YEAR", "QUARTER", "MONTH", "DAYOFYEAR", "DAYOFMONTH", "DAYOFWEEK", "HOUR", "MINUTE", "SECOND",
        )),
        *(f"EXTRACT({part} FROM ts)" for part in (
            "YEAR", "QUARTER", "MONTH", "DAY", "DOW", "DOY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "EPOCH", "ISODOW",
        )),
        "CAST(ts AS DATE)", "CAST(ts AS TIMESTAMP(0))", "CAST(ts AS TIME)", "TIMESTAMPDIFF(MONTH, us, ts)",
    ),
    "a text is counted in characters, in Java in halves of UTF-16": (
        *(f"{side}(x, {rest})" for side, rest in (
            ("LPAD", "15, '*'"), ("LPAD", "3, 'ab'"), ("LPAD", "20, 'ab'"), ("RPAD", "15, '*'"), ("RPAD", "3, 'ab'"), ("RPAD", "20, 'ñ'"),
        )),
        *(f"OVERLAY(x PLACING {rest})" for rest in ("'XY' FROM 2", "'XY' FROM 2 FOR 5", "'é' FROM 3 FOR 1")),
        "REGEXP_INSTR(x, '[a-z]+')",
        "REPLACE(x, '', '-')", "REGEXP_REPLACE(x, '', '-')",
    ),
    "offered here beside the function's name in Flink": ("UCASE(x)", "LCASE(x)", "LENGTH(x)", "OCTET_LENGTH(x)", "STARTS_WITH(x, 'a')", "ENDS_WITH(x, 'd')", "POW(d, 2)"),
    "NULL needs no type here": ("c AND NULL",),
    "needs a literal here; refused clearly": ("CONCAT_WS(y, 'a', 'b')", "REPLACE(x, y, '<>')", "REPEAT('ab', t)"),
    "only whole dates that exist are dates: no year alone, no 30th of February": (
        "TRY_CAST(x AS DATE)", "TRY_CAST(y AS DATE)", "TO_DATE(x)", "TO_DATE(y)", "TO_TIMESTAMP('2026-02-30 00:00:00')",
    ),
    "a text that is no moment gives NULL, in Flink the smallest BIGINT": (
        "UNIX_TIMESTAMP(x)", "UNIX_TIMESTAMP(y, 'yyyy-MM-dd')",
    ),
    "a date alone is a moment too": ("DATE_FORMAT(y, 'yyyy')",),
    "beyond the years 1 to 9999 there are no moments: NULL, where Flink counts on, and around": (
        *(f"TIMESTAMPADD({unit}, i, us)" for unit in ("YEAR",)),
        *(f"TIMESTAMPADD({unit}, b, us)" for unit in ("SECOND", "DAY", "YEAR")),
        "DATE_FORMAT(TIMESTAMPADD(DAY, i, us), 'yyyy-MM-dd')", "EXTRACT(YEAR FROM TIMESTAMPADD(DAY, i, us))",
    ),
    "POSIX classes are understood": ("REGEXP_EXTRACT(x, '[[:alpha:]]+', 0)",),
    "a literal moment has six digits here whatever was written": ("TIMESTAMP '2026-11-22 11:05:07.123'",),
}  # fmt: skip
DIFFERENCES = {one: reason for reason, ones in _BY_REASON.items() for one in ones}
