"""Freeze Flink's values of scalar expressions: python -m bench.oracle.scalars [PART …]

Writes tests/engine/flink_scalars.json and flink_nested.json: for each expression of `expressions` and `nested` its kind and
its value in each of their rows, or why Flink refuses it, or why it fails. With words, only expressions that hold one of
them, the others stay as they are.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.oracle import expressions, flink, nested

FOLDER = Path(__file__).parents[2] / "tests" / "engine"
LISTS: dict[str, Any] = {"flink_scalars.json": expressions, "flink_nested.json": nested}
AT_ONCE = 60
Values = dict[str, object]


class Asker:
    """Asks Flink for many expressions in one job, and halves them where one fails."""

    def __init__(self, sql: flink.Flink, folder: str, listed: Any) -> None:
        """`listed` has columns, rows and expressions."""
        Path(folder, "rows.json").write_text("".join(json.dumps(row) + "\n" for row in listed.ROWS))
        columns = ", ".join(f"`{name}` {kind}" for name, kind in listed.COLUMNS)
        self._table = f"CREATE TABLE edges ({columns}) WITH ('connector' = 'filesystem', 'path' = 'file://{folder}', 'format' = 'json')"
        self._sql = sql

    def refusal(self, expression: str) -> str:
        """Why the planner takes it not; empty where it does."""
        try:
            self._sql.rows([self._table, f"EXPLAIN SELECT {expression} FROM edges"])
        except flink.FlinkError as error:
            return str(error)[-300:]
        return ""

    def values(self, asked: list[str]) -> dict[str, Values]:
        """Each expression's kind and values, or how it fails."""
        listed = ", ".join(["n", *(f"{one} AS v{place}" for place, one in enumerate(asked))])
        try:
            ran = self._sql.rows([self._table, f"SELECT {listed} FROM edges"])
        except flink.FlinkError as error:
            if len(asked) == 1:
                return {asked[0]: {"fails": str(error)[-200:]}}
            half = len(asked) // 2
            return self.values(asked[:half]) | self.values(asked[half:])
        rows = sorted(ran.rows, key=lambda row: row[1])
        return {
            one: {
                "kind": ran.kinds[place + 1].removesuffix(" NOT NULL"),
                "values": [row[place + 2] for row in rows],
            }
            for place, one in enumerate(asked)
        }


def main() -> None:
    """Ask for what is not frozen yet, or for what is named, and write."""
    with flink.running() as sql:
        for file, listed in LISTS.items():
            freeze(sql, FOLDER / file, listed, sys.argv[1:])


def freeze(sql: flink.Flink, file: Path, listed: Any, named: list[str]) -> None:
    """Ask for a list's expressions."""
    frozen: dict[str, Values] = json.loads(file.read_text()) if file.exists() else {}
    every = list(listed.expressions())
    asked = [one for one in every if (any(w in one for w in named) if named else one not in frozen)]
    with tempfile.TemporaryDirectory(prefix="edges-") as folder:
        asker = Asker(sql, folder, listed)
        for start in range(0, len(asked), AT_ONCE):
            part = asked[start : start + AT_ONCE]
            refused = {one: why for one in part if (why := asker.refusal(one))}
            frozen |= {one: {"refused": why} for one, why in refused.items()}
            frozen |= asker.values([one for one in part if one not in refused])
            write(file, {one: frozen[one] for one in every if one in frozen})
            print(f"{start + len(part)} of {len(asked)}", flush=True)


def write(file: Path, frozen: dict[str, Values]) -> None:
    """One line an expression."""
    lines = (
        f"{json.dumps(one, ensure_ascii=False)}: {json.dumps(found, ensure_ascii=False)}"
        for one, found in frozen.items()
    )
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
