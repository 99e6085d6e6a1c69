"""A grammar of random queries over the tables of `queries.py`: one seed, one query, in Flink's dialect and ours.

Only what has one answer whatever the order of arrival: no ties in a top-N, no first values, no division by a column.
"""

from dataclasses import dataclass, field
from random import Random

KINDS = {
    "n": "int",
    "k": "int",
    "s": "text",
    "x": "double",
    "m": "decimal",
    "b": "long",
    "ok": "bool",
    "ts": "time",
}
TABLES = {"a": ("n", "k", "s", "x", "m", "b", "ok", "ts"), "b": ("n", "k", "s", "x", "ts")}
GROUPED = ("int", "text", "bool")
"""Kinds to group and join by."""

FORMS: dict[str, tuple[str, ...]] = {
    "int": ("{int} + {int}", "{int} * 3", "-{int}", "ABS({int})", "MOD({int}, 5)", "{int} / 4", "CHAR_LENGTH({text})",
            "CASE WHEN {bool} THEN {int} ELSE {int} END", "COALESCE({int}, -1)", "POSITION('a' IN {text})", "NULLIF({int}, 2)",
            "CAST({double} AS INT)", "CAST({bool} AS INT)", "SIGN({int})", "IF({bool}, {int}, 7)", "GREATEST({int}, {int})"),
    "long": ("CAST({int} AS BIGINT)", "{long} - {int}", "YEAR({time})", "EXTRACT(MINUTE FROM {time})", "{long} / 7"),
    "double": ("{double} * 2", "{double} + {int}", "ROUND({double}, 1)", "CAST({int} AS DOUBLE)", "{double} / 3", "FLOOR({double})"),
    "decimal": ("{decimal} + {decimal}", "{decimal} * {int}", "CAST({int} AS DECIMAL(10, 2))", "ROUND({decimal}, 1)", "-{decimal}"),
    "text": ("UPPER({text})", "{text} || '-' || {text}", "SUBSTRING({text}, 2)", "CAST({int} AS STRING)", "COALESCE({text}, '?')",
             "REPLACE({text}, 'a', 'o')", "LPAD({text}, 6, '*')", "CASE {int} WHEN 1 THEN 'one' WHEN 2 THEN {text} END",
             "DATE_FORMAT({time}, 'mm:ss')", "TRIM({text})", "REVERSE({text})", "CONCAT_WS(',', {text}, 'z', {text})"),
    "bool": ("{int} > {int}", "{int} = 2", "{text} LIKE '%a%'", "{text} < 'c'", "{double} >= 1.5", "{bool} AND {bool}",
             "{bool} OR {bool}", "NOT {bool}", "{int} IS NULL", "{text} IS NOT NULL", "{int} IN (1, 2, 5)", "{text} NOT IN ('a', 'bb')",
             "{int} BETWEEN 1 AND 4", "{int} <> 3", "{decimal} > 2.5", "{bool} IS NOT TRUE", "{text} IS DISTINCT FROM 'a'"),
    "time": ("{time} + INTERVAL '7' SECOND", "FLOOR({time} TO MINUTE)", "TIMESTAMPADD(MINUTE, 2, {time})"),
}  # fmt: skip
FIXED = {"int": "3", "long": "CAST(9 AS BIGINT)", "double": "1.5E0", "decimal": "1.25", "text": "'abc'", "bool": "TRUE",
         "time": "TIMESTAMP '2026-01-01 00:00:30'"}  # fmt: skip
AGGREGATES = {
    "COUNT(*)": "long", "COUNT({int})": "long", "COUNT(DISTINCT {text})": "long", "COUNT(DISTINCT {int})": "long", "SUM({int})": "int",
    "MIN({int})": "int", "MAX({long})": "long", "AVG({double})": "double", "SUM({decimal})": "", "MAX({text})": "text", "MIN({time})": "time",
    "SUM(DISTINCT {int})": "int", "AVG({int})": "int", "COUNT(*) FILTER (WHERE {bool})": "long", "SUM({double})": "double",
    "MAX({int}) FILTER (WHERE {bool})": "int", "STDDEV_POP({double})": "double",
}  # fmt: skip
WINDOWS = (
    "TUMBLE(TABLE {0}, DESCRIPTOR(ts), INTERVAL '10' SECOND)",
    "HOP(TABLE {0}, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)",
    "CUMULATE(TABLE {0}, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)",
    "TUMBLE(TABLE {0}, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '3' SECOND)",
)
HOWS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")


@dataclass
class Rows:
    """A query, and the kind of each of its columns."""

    sql: str
    kinds: dict[str, str] = field(default_factory=dict)


class Grammar:
    """All random choices of one query."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.forms, self.counted = FORMS, AGGREGATES

    def query(self) -> str:
        """A query in whole."""
        made = self.random.choice((self.plain, self.grouped, self.windowed, self.joined, self.near, self.top, self.over,
                                   self.united, self.half, self.window_joined, self.legacy))()  # fmt: skip
        if self.random.random() < 0.35 and len(made.kinds) > 1:
            made = self.random.choice((self.plain, self.grouped))(made)
        return made.sql

    # --- parts ------------------------------------------------------------------------------------------------

    def expression(self, kind: str, kinds: dict[str, str], depth: int = 2) -> str:
        """An expression of a kind over columns."""
        columns = [name for name, found in kinds.items() if found == kind]
        if columns and (depth == 0 or self.random.random() < 0.45):
            return self.random.choice(columns)
        if depth == 0:
            return FIXED[kind]
        return self.filled(self.random.choice(self.forms[kind]), kinds, depth - 1)

    def filled(self, form: str, kinds: dict[str, str], depth: int = 1) -> str:
        """A form with expressions in its braces, each put in brackets where it is none itself."""
        for kind in FORMS:
            while "{" + kind + "}" in form:
                inner = self.expression(kind, kinds, depth)
                form = form.replace("{" + kind + "}", f"({inner})" if " " in inner else inner, 1)
        return form

    def source(self) -> Rows:
        """A table."""
        name = self.random.choice(list(TABLES))
        return Rows(name, {column: KINDS[column] for column in TABLES[name]})

    def part(self, rows: Rows) -> str:
        """Rows as FROM has them."""
        return rows.sql if rows.sql in TABLES else f"({rows.sql}) AS q"

    def where(self, kinds: dict[str, str], chance: float = 0.5) -> str:
        """A WHERE, or none."""
        return f" WHERE {self.expression('bool', kinds)}" if self.random.random() < chance else ""

    def selected(self, kinds: dict[str, str], least: int = 1) -> tuple[list[str], dict[str, str]]:
        """A select list and what it gives."""
        listed: list[str] = []
        given: dict[str, str] = {}
        for place in range(self.random.randint(least, 4)):
            kind = self.random.choice(list(FORMS))
            listed.append(f"{self.expression(kind, kinds)} AS c{place}")
            given[f"c{place}"] = kind
        return listed, given

    def aggregates(self, kinds: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        """Some aggregates and what they give."""
        chosen = self.random.sample(list(self.counted), self.random.randint(1, 3))
        return (
            [f"{self.filled(form, kinds)} AS g{place}" for place, form in enumerate(chosen)],
            {f"g{place}": self.counted[form] for place, form in enumerate(chosen) if self.counted[form]},
        )

    # --- queries ----------------------------------------------------------------------------------------------

    def plain(self, rows: Rows | None = None) -> Rows:
        """SELECT … WHERE, sometimes DISTINCT."""
        rows = rows or self.source()
        listed, given = self.selected(rows.kinds)
        distinct = "DISTINCT " if self.random.random() < 0.2 else ""
        return Rows(
            f"SELECT {distinct}{', '.join(listed)} FROM {self.part(rows)}{self.where(rows.kinds)}", given
        )

    def grouped(self, rows: Rows | None = None) -> Rows:
        """GROUP BY columns or expressions, sometimes none, with HAVING sometimes."""
        rows = rows or self.source()
        keys = {
            name: kind for name, kind in rows.kinds.items() if kind in GROUPED and self.random.random() < 0.5
        }
        listed, given = self.aggregates(rows.kinds)
        computed = [self.expression("text", rows.kinds, 1)] if self.random.random() < 0.2 else []
        computed = [one for one in computed if one not in keys and not one.startswith("'")]
        group = [*keys, *computed]
        having = (
            f" HAVING COUNT(*) > {self.random.randint(0, 3)}" if group and self.random.random() < 0.3 else ""
        )
        sql = f"SELECT {', '.join([*keys, *(f'{one} AS e' for one in computed), *listed])} FROM {self.part(rows)}{self.where(rows.kinds, 0.3)}"
        return Rows(
            sql + (f" GROUP BY {', '.join(group)}" if group else "") + having,
            {**keys, **dict.fromkeys(("e",) if computed else (), "text"), **given},
        )

    def windowed(self) -> Rows:
        """Aggregates over a window's groups."""
        rows = self.source()
        form = self.random.choice(WINDOWS).format(rows.sql)
        keys = {
            name: kind for name, kind in rows.kinds.items() if kind in GROUPED and self.random.random() < 0.3
        }
        listed, given = self.aggregates(rows.kinds)
        having = f" HAVING COUNT(*) > {self.random.randint(0, 2)}" if self.random.random() < 0.3 else ""
        group = ", ".join([*keys, "window_start", "window_end"])
        return Rows(
            f"SELECT {', '.join([*keys, 'window_start', 'window_end', *listed])} FROM TABLE({form}){self.where(rows.kinds, 0.4)} GROUP BY {group}{having}",
            {**keys, "window_start": "time", "window_end": "time", **given},
        )

    def legacy(self) -> Rows:
        """The older GROUP BY windows."""
        rows = self.source()
        name, size = self.random.choice(
            (
                ("TUMBLE", "INTERVAL '8' SECOND"),
                ("HOP", "INTERVAL '4' SECOND, INTERVAL '12' SECOND"),
                ("SESSION", "INTERVAL '4' SECOND"),
            )
        )
        keys = [name_ for name_, kind in rows.kinds.items() if kind in GROUPED and self.random.random() < 0.3]
        listed, given = self.aggregates(rows.kinds)
        group = ", ".join([*keys, f"{name}(ts, {size})"])
        return Rows(
            f"SELECT {', '.join([*keys, f'{name}_START(ts, {size}) AS w0', *listed])} FROM {rows.sql}{self.where(rows.kinds, 0.3)} GROUP BY {group}",
            {**{key: rows.kinds[key] for key in keys}, "w0": "time", **given},
        )

    def sides(self) -> dict[str, str]:
        """Columns of a and b by their full names."""
        return {f"{table}.{column}": KINDS[column] for table, columns in TABLES.items() for column in columns}

    def joined(self) -> Rows:
        """A regular join, with a condition beside the keys sometimes."""
        kinds = self.sides()
        on = ["a.k = b.k"] if self.random.random() < 0.7 else ["a.s = b.s", "a.k = b.k"]
        if self.random.random() < 0.4:
            on.append(self.expression("bool", kinds, 1))
        return self.over_both(f"a {self.random.choice(HOWS)} b ON {' AND '.join(on)}", kinds)

    def over_both(self, source: str, kinds: dict[str, str]) -> Rows:
        """Columns and expressions of two sides."""
        listed, given = self.selected(kinds)
        names = {"an": "a.n", "bn": "b.n"}
        listed = [*(f"{full} AS {name}" for name, full in names.items()), *listed]
        return Rows(
            f"SELECT {', '.join(listed)} FROM {source}{self.where(kinds, 0.4)}",
            {"an": "int", "bn": "int", **given},
        )

    def near(self) -> Rows:
        """An interval join."""
        kinds = self.sides()
        low, high = self.random.randint(0, 6), self.random.randint(0, 6)
        on = f"a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '{low}' SECOND AND b.ts + INTERVAL '{high}' SECOND"
        return self.over_both(f"a {self.random.choice(HOWS)} b ON {on}", kinds)

    def window_joined(self) -> Rows:
        """Two windows' rows, window by window."""
        kinds = self.sides() | {"a.window_start": "time", "b.window_end": "time"}
        form = self.random.choice(WINDOWS)
        sides = [f"(SELECT * FROM TABLE({form.format(table)})) AS {table}" for table in TABLES]
        on = "a.k = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end"
        return self.over_both(f"{sides[0]} {self.random.choice(HOWS)} {sides[1]} ON {on}", kinds)

    def sets(self) -> Rows:
        """GROUPING SETS, ROLLUP and CUBE, over a window sometimes."""
        rows = self.source()
        keys = [name for name, kind in rows.kinds.items() if kind in GROUPED and name != "n"]
        several = [
            self.random.sample(keys, self.random.randint(1, len(keys)))
            for _ in range(self.random.choice((1, 1, 2)))
        ]
        named = [key for key in keys if any(key in one for one in several)]
        told = [
            f"GROUPING({key}) AS t{place}" for place, key in enumerate(named) if self.random.random() < 0.6
        ]
        listed, given = self.aggregates(rows.kinds)
        part, bounds = rows.sql, list[str]()
        if self.random.random() < 0.4:
            part, bounds = (
                f"TABLE({self.random.choice(WINDOWS).format(rows.sql)})",
                ["window_start", "window_end"],
            )
        having = f" HAVING COUNT(*) > {self.random.randint(0, 2)}" if self.random.random() < 0.3 else ""
        sql = (
            f"SELECT {', '.join([*bounds, *named, *told, *listed])} FROM {part}{self.where(rows.kinds, 0.3)}"
        )
        return Rows(f"{sql} GROUP BY {', '.join([*bounds, *map(self.set_of, several)])}{having}", given)

    def set_of(self, keys: list[str]) -> str:
        """One element of GROUP BY that makes several sets."""
        word = self.random.choice(("ROLLUP", "CUBE", "GROUPING SETS"))
        if word != "GROUPING SETS":
            return f"{word} ({', '.join(keys)})"
        sets = [keys, *(self.random.sample(keys, self.random.randint(0, len(keys))) for _ in range(2))]
        return f"{word} ({', '.join('(' + ', '.join(one) + ')' for one in sets)})"

    def top(self) -> Rows:
        """The first rows of each group, over a table, a window, or groups."""
        rows = self.source()
        order = f"{self.random.choice(('x', 's', 'ts', 'k'))} {self.random.choice(('ASC', 'DESC'))}, n"
        keys = self.random.choice(("k", "s", "k, s"))
        part, limit = self.part(rows), self.random.randint(1, 4)
        if self.random.random() < 0.4:
            part = f"TABLE({self.random.choice(WINDOWS).format(rows.sql)})"
            keys = f"window_start, window_end, {keys}"
        kept = {column: rows.kinds[column] for column in ("n", "k", "s")}
        rank = self.random.random() < 0.5
        inner = f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {order}) AS r FROM {part}"
        return Rows(
            f"SELECT {', '.join([*kept, *(['r'] if rank else [])])} FROM ({inner}) WHERE r <= {limit}",
            {**kept, **({"r": "long"} if rank else {})},
        )

    def over(self) -> Rows:
        """An aggregate over the rows before each."""
        rows = self.source()
        frame = self.random.choice(("RANGE BETWEEN INTERVAL '6' SECOND PRECEDING AND CURRENT ROW", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
                                    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", ""))  # fmt: skip
        keys = self.random.choice(("k", "s", "k, s"))
        window = f"OVER (PARTITION BY {keys} ORDER BY ts {frame})".replace(" )", ")")
        forms = [
            ("COUNT(*)", "long"),
            ("SUM(k)", "int"),
            ("MAX(n)", "int"),
            ("MIN(s)", "text"),
            ("COUNT(x)", "long"),
            ("AVG(n)", "int"),
        ]
        chosen = self.random.sample(forms, self.random.randint(1, 2))
        listed = [f"{form} {window} AS o{place}" for place, (form, _) in enumerate(chosen)]
        return Rows(
            f"SELECT n, k, {', '.join(listed)} FROM {rows.sql}",
            {"n": "int", "k": "int", **{f"o{place}": kind for place, (_, kind) in enumerate(chosen)}},
        )

    def united(self) -> Rows:
        """UNION and UNION ALL of two selections of the same kinds."""
        kinds = [self.random.choice(list(FORMS)) for _ in range(self.random.randint(1, 3))]
        parts = []
        for _ in range(2):
            rows = self.source()
            listed = ", ".join(
                f"{self.expression(kind, rows.kinds)} AS c{place}" for place, kind in enumerate(kinds)
            )
            parts.append(f"SELECT {listed} FROM {rows.sql}{self.where(rows.kinds)}")
        sign = self.random.choice((" UNION ALL ", " UNION "))
        return Rows(sign.join(parts), {f"c{place}": kind for place, kind in enumerate(kinds)})

    def half(self) -> Rows:
        """IN and EXISTS."""
        one, other = self.random.sample(list(TABLES), 2)
        kinds = {column: KINDS[column] for column in TABLES[one]}
        inside = {f"{other}.{column}": KINDS[column] for column in TABLES[other]}
        key = self.random.choice(("k", "s"))
        condition = self.random.choice((
            f"{key} IN (SELECT {other}.{key} FROM {other}{self.where(inside)})",
            f"EXISTS (SELECT * FROM {other} WHERE {other}.{key} = {one}.{key} AND {self.expression('bool', inside, 1)})",
            f"NOT EXISTS (SELECT 1 FROM {other} WHERE {other}.{key} = {one}.{key} AND {other}.n > {one}.n)",
            f"{key} NOT IN (SELECT {other}.{key} FROM {other} WHERE {other}.{key} IS NOT NULL)",
        ))  # fmt: skip
        listed, given = self.selected(kinds)
        more = f" AND {self.expression('bool', kinds, 1)}" if self.random.random() < 0.3 else ""
        return Rows(
            f"SELECT {', '.join(['n', *listed])} FROM {one} WHERE {condition}{more}", {"n": "int", **given}
        )
