"""A second grammar, of what is younger: inputs that change on both sides of joins and under top-N, DISTINCT with FILTER, sets of rows,
UNNEST, decimals, and CASE and COALESCE over nulls. One seed, one query, over the tables of `queries.py`.
"""

import re

from bench.oracle.grammar import AGGREGATES, FORMS, GROUPED, HOWS, KINDS, TABLES, Grammar, Rows

CHANGING = {"id": "int", "k": "int", "v": "text", "x": "double"}
"""The columns of `u`, whose rows change."""

_MORE: dict[str, tuple[str, ...]] = {
    "int": ("CASE WHEN {bool} THEN {int} END", "COALESCE({int}, {int}, 0)", "NULLIF({int}, {int})", "IFNULL({int}, {int})", "LEAST({int}, {int})",
            "CASE WHEN {bool} THEN {int} WHEN {bool} THEN NULL ELSE {int} END", "CASE {text} WHEN 'a' THEN {int} WHEN 'bb' THEN 0 END",
            "ARRAY[{int}, {int}][1]", "CAST({decimal} AS INT)", "CHAR_LENGTH(CAST({decimal} AS STRING))", "MAP['a', {int}]['a']",
            "CARDINALITY(ARRAY[{int}, {int}])", "CASE {int} WHEN {int} THEN 1 WHEN 2 THEN {int} ELSE NULL END", "IF({bool}, {int}, {int})"),
    "long": ("CASE WHEN {bool} THEN {long} ELSE {int} END", "COALESCE({long}, {int})", "CAST({decimal} AS BIGINT)", "{long} * {int}",
             "TIMESTAMPDIFF(SECOND, {time}, {time})", "GREATEST({long}, {long})"),
    "double": ("CAST({decimal} AS DOUBLE)", "CASE WHEN {bool} THEN {double} ELSE {int} END", "COALESCE({double}, {int})", "NULLIF({double}, 0)",
               "{double} * {decimal}", "POWER({double}, 2)", "SQRT(ABS({double}))", "-{double}"),
    "decimal": ("{decimal} / 3", "{decimal} / NULLIF({decimal}, 0)", "CASE WHEN {bool} THEN {decimal} ELSE {int} END", "CAST({decimal} AS DECIMAL(6, 1))",
                "CAST({double} AS DECIMAL(8, 3))", "COALESCE({decimal}, 0)", "TRUNCATE({decimal}, 1)", "FLOOR({decimal})", "CEIL({decimal})",
                "ABS({decimal})", "MOD({decimal}, 3)", "{decimal} - {long}", "GREATEST({decimal}, {decimal})", "{decimal} * {decimal}",
                "CASE WHEN {bool} THEN {decimal} WHEN {bool} THEN {decimal} END", "{decimal} + {int}",
                "NULLIF({decimal}, 0.5)", "MOD({int}, 2.5)", "{decimal} - 0.125"),
    "text": ("CAST({decimal} AS STRING)", "CAST({bool} AS STRING)", "NULLIF({text}, 'a')", "COALESCE(NULLIF({text}, 'bb'), {text}, 'none')",
             "ARRAY_JOIN(ARRAY[{text}, {text}], ',')", "CAST({double} AS STRING)", "MAP['a', {text}, 'b', 'c'][{text}]",
             "CASE WHEN {bool} THEN {text} WHEN {bool} THEN {text} END", "SPLIT_INDEX({text}, 'b', 1)", "CAST(CAST({decimal} AS DECIMAL(7, 3)) AS STRING)"),
    "bool": ("{decimal} = {int}", "{decimal} < {double}", "{decimal} <= {decimal}", "COALESCE({bool}, FALSE)", "{bool} IS NOT FALSE", "{bool} IS UNKNOWN",
             "CASE WHEN {bool} THEN {bool} END", "{int} IS NOT DISTINCT FROM {int}", "{long} = {int}", "{int} IN ({int}, {int})", "{int} NOT IN (1, NULL)",
             "ARRAY_CONTAINS(ARRAY[{int}, 2], {int})", "{int} NOT BETWEEN {int} AND {int}", "{bool} = {bool}", "{decimal} IN (1.25, 2, 0.5)",
             "NULLIF({bool}, TRUE)", "{double} IS NULL", "{decimal} IS NOT NULL", "{decimal} BETWEEN {int} AND 4.5"),
    "time": ("CASE WHEN {bool} THEN {time} END", "CEIL({time} TO SECOND)", "COALESCE({time}, {time})"),
}  # fmt: skip
_COUNTED = {
    "COUNT(DISTINCT {int}) FILTER (WHERE {bool})": "long", "COUNT(DISTINCT {text}) FILTER (WHERE {bool})": "long", "MIN({text})": "text",
    "SUM(DISTINCT {int}) FILTER (WHERE {bool})": "int", "SUM({decimal}) FILTER (WHERE {bool})": "", "AVG({decimal})": "", "MIN({decimal})": "",
    "MAX({decimal}) FILTER (WHERE {bool})": "", "COUNT(DISTINCT {decimal})": "long", "COUNT(DISTINCT {double})": "long", "MAX({time})": "time",
    "AVG(DISTINCT {int})": "int", "VAR_SAMP({double})": "double", "SUM(CASE WHEN {bool} THEN {int} END)": "int", "SUM({long})": "long",
    "MIN({double}) FILTER (WHERE {bool})": "double", "COUNT({decimal}) FILTER (WHERE {bool})": "long", "COUNT(DISTINCT {time})": "long",
    "SUM(DISTINCT {decimal})": "", "AVG({long})": "long", "COUNT(DISTINCT {bool})": "long", "AVG({double}) FILTER (WHERE {bool})": "double",
}  # fmt: skip

_LEAVES = {
    "decimal": "CAST({} AS DECIMAL(8, 2))",
    "long": "CAST({} AS BIGINT)",
    "bool": "{} > 1",
    "text": "CAST({} AS STRING)",
    "double": "{} * 1.5E0",
}
"""What stands for a column of a kind where there is none: of a whole number."""


class Changing(Grammar):
    """All random choices of one query of the second kind."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.forms = {kind: (*FORMS[kind], *_MORE[kind]) for kind in FORMS}
        self.counted = AGGREGATES | _COUNTED
        self.steps = 0
        """How many names were given: those of one query differ."""

    def query(self) -> str:
        """A query in whole."""
        made = self.random.choice((self.plain, self.grouped, self.grouped, self.windowed, self.legacy, self.paired, self.paired, self.best,
                                   self.best, self.unnested, self.combined, self.combined, self.halved, self.over))()  # fmt: skip
        for _ in range(2):
            if self.random.random() < 0.35 and len(made.kinds) > 1:
                made = self.random.choice((self.plain, self.grouped, self.best, self.unnested))(made)
        return made.sql

    def expression(self, kind: str, kinds: dict[str, str], depth: int = 2) -> str:
        """An expression that mostly reads a column, where there is one."""
        leaf, columns = _LEAVES.get(kind), [name for name, found in kinds.items() if found == "int"]
        if depth == 0 and leaf and columns and kind not in kinds.values() and self.random.random() < 0.8:
            return leaf.format(self.random.choice(columns))
        return super().expression(kind, kinds, depth)

    def source(self) -> Rows:
        """A table, of those that only grow."""
        name = self.random.choice(("a", "a", "b"))
        return Rows(name, {column: KINDS[column] for column in TABLES[name]})

    def part(self, rows: Rows) -> str:
        """Rows as FROM has them."""
        return rows.sql if rows.sql in (*TABLES, "u") else super().part(rows)

    def grouped(self, rows: Rows | None = None) -> Rows:
        """Groups, of what changes too."""
        rows = rows or self.either(0.5)
        return super().grouped(
            Rows(rows.sql, {name: kind for name, kind in rows.kinds.items() if name != "e"})
        )

    def either(self, grows: float) -> Rows:
        """A table that only grows, or the one that changes."""
        return self.source() if self.random.random() < grows else Rows("u", dict(CHANGING))

    def plain(self, rows: Rows | None = None) -> Rows:
        """A selection, of what changes too."""
        return super().plain(rows or self.either(0.6))

    def aggregates(self, kinds: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        """Some aggregates under names that the query does not have yet."""
        self.steps += 1
        listed, given = super().aggregates(kinds)
        new = f"g{self.steps}_"
        return (
            [" AS ".join([(parts := one.rpartition(" AS g"))[0], new + parts[2]]) for one in listed],
            {new + name[1:]: kind for name, kind in given.items()},
        )

    def paired(self) -> Rows:
        """A join of two inputs of which at least one changes."""
        sides = [self.flat(), self.flat() if self.random.random() < 0.6 else self.source()]
        self.random.shuffle(sides)
        kinds = {
            f"{name}.{column}": kind
            for name, side in zip("pq", sides, strict=True)
            for column, kind in side.kinds.items()
        }
        on = [self.pair(*sides)] if self.random.random() < 0.9 else []
        if not on or self.random.random() < 0.4:
            on.append(self.expression("bool", kinds, 1))
        parts = [
            f"{side.sql if side.sql in (*TABLES, 'u') else f'({side.sql})'} AS {name}"
            for name, side in zip("pq", sides, strict=True)
        ]
        listed, given = self.selected(kinds)
        chosen = self.random.sample(list(kinds), min(len(kinds), 2))
        listed = [*(f"{full} AS j{place}" for place, full in enumerate(chosen)), *listed]
        return Rows(
            f"SELECT {', '.join(listed)} FROM {parts[0]} {self.random.choice(HOWS)} {parts[1]} ON {' AND '.join(on)}{self.where(kinds, 0.4)}",
            {**{f"j{place}": kinds[full] for place, full in enumerate(chosen)}, **given},
        )

    def flat(self) -> Rows:
        """Rows that change and are no join themselves."""
        upserts = Rows("u", dict(CHANGING))
        return self.random.choice((
            lambda: upserts, lambda: upserts, lambda: self.grouped(upserts), lambda: self.grouped(self.source()), lambda: self.best(upserts),
            lambda: self.plain(upserts),
        ))()  # fmt: skip

    def pair(self, one: Rows, other: Rows) -> str:
        """An equality of the two sides: of columns of one kind, or of expressions."""
        same = [
            (p, q)
            for p in one.kinds
            for q in other.kinds
            if one.kinds[p] == other.kinds[q] in (*GROUPED, "long")
        ]
        if same:
            p, q = self.random.choice(same)
            return f"p.{p} = q.{q}"
        kind = self.random.choice(GROUPED)
        return " = ".join(
            f"({self.expression(kind, {f'{name}.{c}': k for c, k in side.kinds.items()}, 1)})"
            for name, side in (("p", one), ("q", other))
        )

    def best(self, rows: Rows | None = None) -> Rows:
        """The first rows of each group, where all columns order them, so that ties are equal rows."""
        rows = rows or (Rows("u", dict(CHANGING)) if self.random.random() < 0.6 else self.grouped())
        names = [
            name
            for name, kind in rows.kinds.items()
            if kind in ("int", "long", "text", "double", "bool", "decimal")
        ]
        first = self.random.sample(names, len(names))
        order = ", ".join(f"{name} {self.random.choice(('ASC', 'DESC'))}" for name in first)
        keys = self.random.sample(names, self.random.randint(0, min(2, len(names))))
        by = f"PARTITION BY {', '.join(keys)} " if keys else ""
        kept = self.random.sample(list(rows.kinds), self.random.randint(1, len(rows.kinds)))
        rank = self.random.random() < 0.4
        inner = f"SELECT *, ROW_NUMBER() OVER ({by}ORDER BY {order}) AS r FROM {self.part(rows)}"
        bound = self.random.choice(("r <= 1", "r <= 2", "r <= 3", "r < 6"))
        return Rows(
            f"SELECT {', '.join([*kept, *(['r AS r0'] if rank else [])])} FROM ({inner}) WHERE {bound}",
            {**{name: rows.kinds[name] for name in kept}, **({"r0": "long"} if rank else {})},
        )

    def unnested(self, rows: Rows | None = None) -> Rows:
        """A row for each element of an array or map."""
        rows = rows or self.either(0.5)
        kind = self.random.choice(("int", "text", "double", "decimal", "bool"))
        items = ", ".join(self.expression(kind, rows.kinds, 1) for _ in range(self.random.randint(1, 3)))
        self.steps += 1
        one, other = f"e{self.steps}", f"i{self.steps}"
        inner, more, ordinal = f"ARRAY[{items}]", {one: kind}, ""
        choice = self.random.random()
        if choice < 0.2:
            inner, more = f"SPLIT({self.expression('text', rows.kinds, 1)}, 'b')", {one: "text"}
        elif choice < 0.4:
            inner = f"MAP['p', {self.expression(kind, rows.kinds, 1)}, 'q', {self.expression(kind, rows.kinds, 1)}]"
            more = {other: "text", one: kind}
        elif choice < 0.6:
            more, ordinal = {one: kind, other: "int"}, " WITH ORDINALITY"
        how, on = self.random.choice((("CROSS JOIN", ""), ("LEFT JOIN", " ON TRUE")))
        kept = self.random.sample(list(rows.kinds), self.random.randint(1, min(3, len(rows.kinds))))
        kinds = {name: rows.kinds[name] for name in kept} | more
        listed = ", ".join([*kept, *more])
        return Rows(
            f"SELECT {listed} FROM {self.part(rows)} {how} UNNEST({inner}){ordinal} AS t ({', '.join(more)}){on}{self.where(kinds, 0.4)}",
            kinds,
        )

    def combined(self) -> Rows:
        """INTERSECT, EXCEPT and UNION of two selections of the same kinds."""
        kinds = [
            self.random.choice(("int", "text", "bool", "decimal", "long"))
            for _ in range(self.random.randint(1, 2))
        ]
        parts = []
        for _ in range(2):
            rows = self.flat() if self.random.random() < 0.6 else self.source()
            listed = ", ".join(
                f"{self.computed(kind, rows.kinds)} AS c{place}" for place, kind in enumerate(kinds)
            )
            parts.append(f"SELECT {listed} FROM {self.part(rows)}{self.where(rows.kinds)}")
        sign = self.random.choice(
            (" INTERSECT ", " EXCEPT ", " INTERSECT ALL ", " EXCEPT ALL ", " UNION ", " UNION ALL ")
        )
        return Rows(sign.join(parts), {f"c{place}": kind for place, kind in enumerate(kinds)})

    def computed(self, kind: str, kinds: dict[str, str]) -> str:
        """An expression of a kind that reads a column: Flink 2.3 gives wrong rows for constants in an EXCEPT ALL or INTERSECT ALL."""
        for _ in range(50):
            made = self.expression(kind, kinds, 2)
            if any(re.search(rf"\b{name}\b", made) for name in kinds):
                return made
        return made

    def halved(self) -> Rows:
        """IN and EXISTS where one side changes, or both."""
        one, other = self.random.sample(("a", "b", "u"), 2)
        if "u" not in (one, other):
            other = "u"
        columns = {
            "a": {c: KINDS[c] for c in TABLES["a"]},
            "b": {c: KINDS[c] for c in TABLES["b"]},
            "u": CHANGING,
        }
        kinds, inside = columns[one], {f"{other}.{c}": k for c, k in columns[other].items()}
        mine, theirs = (
            (("v" if one == "u" else "s"), ("v" if other == "u" else "s"))
            if self.random.random() < 0.4
            else ("k", "k")
        )
        condition = self.random.choice((
            f"{mine} IN (SELECT {other}.{theirs} FROM {other}{self.where(inside)})",
            f"{mine} IN (SELECT {theirs} FROM {other} GROUP BY {theirs} HAVING COUNT(*) > 1)",
            f"EXISTS (SELECT * FROM {other} WHERE {other}.{theirs} = {one}.{mine} AND {self.expression('bool', inside, 1)})",
            f"NOT EXISTS (SELECT 1 FROM {other} WHERE {other}.{theirs} = {one}.{mine} AND {other}.x > {one}.x)",
            f"{mine} NOT IN (SELECT {other}.{theirs} FROM {other} WHERE {other}.{theirs} IS NOT NULL)",
            f"{mine} NOT IN (SELECT {other}.{theirs} FROM {other} WHERE {other}.x > 1)",
        ))  # fmt: skip
        listed, given = self.selected(kinds)
        key = "id" if one == "u" else "n"
        return Rows(f"SELECT {', '.join([key, *listed])} FROM {one} WHERE {condition}", {key: "int", **given})
