"""Freeze Flink's answers to queries, random ones and chosen ones: python -m bench.oracle.queries [COUNT]

Writes tests/sql/flink_queries.json: for each query its columns' kinds and the rows that stand in the end, or why Flink
refuses it. What is frozen stays; with a count so many random queries are asked, by the seeds from 0.
"""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench.oracle import flink
from bench.oracle.changing import Changing
from bench.oracle.chosen import CHOSEN
from bench.oracle.constructs import CONSTRUCTS
from bench.oracle.further import FURTHER
from bench.oracle.grammar import Grammar

FROZEN = Path(__file__).parents[2] / "tests" / "sql" / "flink_queries.json"
COUNT, SETS, CHANGING = 250, 30, 65
AT_ONCE = 15
COLUMNS = {
    "a": "n INT, k INT, s STRING, x DOUBLE, m DECIMAL(10, 2), b BIGINT, ok BOOLEAN, ts TIMESTAMP(3)",
    "b": "n INT, k INT, s STRING, x DOUBLE, ts TIMESTAMP(3)",
    "u": "id INT, k INT, v STRING, x DOUBLE",
}
GROWING = ("a", "b")
"""The tables with event time, whose rows come at most three seconds late; of `u` ids come again, and go."""


def table(name: str, options: str) -> str:
    """A table's declaration, whatever it is read from."""
    time = (
        "WATERMARK FOR ts AS ts - INTERVAL '3' SECOND" if name in GROWING else "PRIMARY KEY (id) NOT ENFORCED"
    )
    return f"CREATE TABLE {name} ({COLUMNS[name]}, {time}) WITH ({options})"


def _maybe(random: Random, value: Any) -> Any:
    return None if random.random() < 0.12 else value


def rows() -> dict[str, list[dict[str, Any]]]:
    """The tables' rows, in order of arrival; those of `u` are (kind, row): kind 3 takes a row away."""
    random = Random(5)
    made: dict[str, list[dict[str, Any]]] = {"a": [], "b": [], "u": []}
    for name, count in (("a", 28), ("b", 18)):
        for number in range(count):
            at = max(0, number * (2000 if name == "a" else 3100) - random.randint(0, 2900))
            row = {
                "n": number,
                "k": _maybe(random, random.randint(0, 4)),
                "s": _maybe(random, random.choice(("a", "bb", "abc", "ñandú", " pad "))),
                "x": _maybe(random, random.randint(-20, 20) / 4),
            }
            if name == "a":
                row |= {
                    "m": _maybe(random, f"{random.randint(-500, 900) / 100:.2f}"),
                    "b": _maybe(random, random.choice((random.randint(-9, 99), 10**12 + number))),
                    "ok": _maybe(random, random.random() < 0.5),
                }
            made[name].append(
                row | {"ts": f"2026-01-01 00:{at // 60000:02}:{at // 1000 % 60:02}.{at % 1000:03}"}
            )
    for _ in range(24):
        row = {"id": random.randint(0, 7), "k": _maybe(random, random.randint(0, 4))}
        row |= {
            "v": _maybe(random, random.choice(("a", "bb", "abc"))),
            "x": _maybe(random, random.randint(-8, 8) / 4),
        }
        made["u"].append(row | {"$kind": 3 if random.random() < 0.2 else 0})
    return made


def changed(upserts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Upserts as debezium-json has them."""
    held: dict[int, dict[str, Any]] = {}
    for upsert in upserts:
        row = {name: value for name, value in upsert.items() if name != "$kind"}
        before = held.pop(row["id"], None)
        if upsert["$kind"] == 0:
            held[row["id"]] = row
            yield {"before": before, "after": row, "op": "u" if before else "c"}
        elif before:
            yield {"before": before, "after": None, "op": "d"}


def settled(changes: list[list[Any]]) -> list[list[Any]]:
    """The rows that stand after all changes."""
    held: Counter[str] = Counter()
    for kind, *row in changes:
        held[json.dumps(row)] += 1 if kind in ("+I", "+U") else -1
    return [json.loads(row) for row in sorted(held.elements())]


class Asker:
    """Asks Flink one query after another over the tables' rows in files."""

    def __init__(self, sql: flink.Flink, folder: str) -> None:
        self._sql = sql
        self._tables: list[str] = []
        for name, found in rows().items():
            Path(folder, name).mkdir()
            lines = found if name in GROWING else list(changed(found))
            Path(folder, name, "rows.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
            form = "json" if name in GROWING else "debezium-json"
            options = f"'connector' = 'filesystem', 'path' = 'file://{folder}/{name}', 'format' = '{form}'"
            self._tables.append(table(name, options))

    def shape(self, query: str) -> dict[str, Any]:
        """The query's names and kinds, or why Flink refuses it."""
        *before, last = query.split(";")
        try:
            asked = [*self._tables, *before, f"CREATE VIEW answer AS {last}", "DESCRIBE answer"]
            found = self._sql.rows(asked).rows
        except flink.FlinkError as error:
            return {"refused": str(error)[-200:]}
        return {"names": [row[1] for row in found], "kinds": [row[2] for row in found]}

    def answers(self, shapes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The queries' kinds and rows, all in one job; halved where it fails."""
        if not shapes:
            return {}
        width = max(len(shape["names"]) for shape in shapes.values())
        views, parts = [], []
        for number, (query, shape) in enumerate(shapes.items()):
            *before, last = query.replace("seen", f"seen{number}").split(";")
            views += [*before, f"CREATE VIEW answer{number} AS {last}"]
            listed = [f"CAST(`{name}` AS STRING)" for name in shape["names"]]
            listed += ["CAST(NULL AS STRING)"] * (width - len(listed))
            parts.append(f"SELECT {number}, {', '.join(listed)} FROM answer{number}")
        try:
            ran = self._sql.rows([*self._tables, *views, " UNION ALL ".join(parts)])
        except flink.FlinkError as error:
            if len(shapes) == 1:
                return {query: {"refused": str(error)[-200:]} for query in shapes}
            items = list(shapes.items())
            half = len(items) // 2
            return self.answers(dict(items[:half])) | self.answers(dict(items[half:]))
        stand = settled(ran.rows)
        made = {}
        for number, (query, shape) in enumerate(shapes.items()):
            found = [row[1 : 1 + len(shape["kinds"])] for row in stand if row[0] == number]
            made[query] = {
                "kinds": shape["kinds"],
                "rows": [list(map(typed, shape["kinds"], row)) for row in found],
            }
        return made


def typed(kind: str, text: str | None) -> Any:
    """A value out of its text: whole numbers and truth as JSON has them, moments to the microsecond, else the text."""
    if text is None:
        return None
    if kind.split(maxsplit=1)[0] in ("INT", "BIGINT", "TINYINT", "SMALLINT"):
        return int(text)
    if kind.startswith("BOOLEAN"):
        return text == "TRUE"
    if kind.startswith("TIMESTAMP"):
        return text[:19] + "." + text[20:].ljust(6, "0")
    return text


def asked(count: int) -> list[str]:
    """Random queries and the chosen ones, once each."""
    plain = (Grammar(seed).query() for seed in range(count))
    sets = (Grammar(seed).sets().sql for seed in range(SETS))
    changing = (Changing(seed).query() for seed in range(CHANGING))
    return list(dict.fromkeys([*CHOSEN, *FURTHER, *plain, *CONSTRUCTS, *sets, *changing]))


def jobs(shapes: dict[str, dict[str, Any]]) -> Iterator[dict[str, dict[str, Any]]]:
    """Queries that may be one job. Flink 2.3 takes two LAGs that differ in their constants for one, so each is alone."""
    yield {query: shape for query, shape in shapes.items() if "LAG(" not in query}
    yield from ({query: shape} for query, shape in shapes.items() if "LAG(" in query)


def main() -> None:
    """Ask for what is not frozen yet, and write."""
    frozen: dict[str, Any] = json.loads(FROZEN.read_text()) if FROZEN.exists() else {}
    wanted = asked(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
    with tempfile.TemporaryDirectory(prefix="queries-") as folder, flink.running() as sql:
        asker = Asker(sql, folder)
        missing = [query for query in wanted if query not in frozen]
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            shapes = {query: asker.shape(query) for query in part}
            frozen |= {
                query: shape
                for query, shape in shapes.items()
                if "refused" in shape and "same name" not in shape["refused"]
            }
            for job in jobs({query: shape for query, shape in shapes.items() if "refused" not in shape}):
                frozen |= asker.answers(job)
            write({query: frozen[query] for query in wanted if query in frozen})
            print(f"{start + len(part)} of {len(missing)}", flush=True)
    write({query: frozen[query] for query in wanted if query in frozen})


def write(frozen: dict[str, Any]) -> None:
    """One line a query."""
    lines = (
        f"{json.dumps(q, ensure_ascii=False)}: {json.dumps(a, ensure_ascii=False)}" for q, a in frozen.items()
    )
    FROZEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
