"""Freeze what Flink reads and writes in its formats: python -m bench.oracle.formats

Writes tests/engine/flink_formats.json: for each case of CASES the rows that Flink reads out of its lines, or the lines that
it writes for its rows; None where the job fails.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from bench.oracle import flink

FROZEN = Path(__file__).parents[2] / "tests" / "engine" / "flink_formats.json"
KINDS = (
    "n INT, t TINYINT, b BIGINT, d DOUBLE, m DECIMAL(10, 2), s STRING, c BOOLEAN, ts TIMESTAMP(3), dt DATE, tm TIME(0), a ARRAY<INT>, "
    "r ROW<x INT, y STRING>"
)
VALUES = (
    "(1, CAST(2 AS TINYINT), CAST(3 AS BIGINT), 1.5e0, 12.34, 'plain', TRUE, TIMESTAMP '2026-11-22 11:05:07.120', DATE '2026-11-22', "
    "TIME '11:05:07', ARRAY[1, 2], ROW(1, 'a'))",
    "(-1, CAST(-2 AS TINYINT), CAST(-3 AS BIGINT), 1e10, -0.01, 'with, comma', FALSE, TIMESTAMP '1969-12-31 23:59:59.999', "
    "DATE '1969-12-31', TIME '00:00:00', ARRAY[7], ROW(2, 'b c'))",
    "(3, CAST(NULL AS TINYINT), CAST(NULL AS BIGINT), 1e-5, 0.50, 'a \"quote\"', TRUE, TIMESTAMP '2026-01-01 00:00:00', "
    "DATE '2026-01-01', TIME '23:59:59', ARRAY[1], ROW(3, ''))",
    "(4, CAST(0 AS TINYINT), CAST(9007199254740993 AS BIGINT), 0.1e0, 99999999.99, 'a text of more than twenty-four signs', TRUE, "
    "TIMESTAMP '2026-01-01 00:00:00.5', DATE '2026-01-01', TIME '01:02:03', ARRAY[0], ROW(3, 'ñ'))",
    "(5, CAST(0 AS TINYINT), CAST(0 AS BIGINT), 100e0, 1.00, '', TRUE, TIMESTAMP '2026-01-01 00:00:00', DATE '2026-01-01', "
    "TIME '01:02:03', ARRAY[0], ROW(3, 'x'))",
    "(6, CAST(0 AS TINYINT), CAST(0 AS BIGINT), 123456789.125e0, 1.00, 'ünï#', TRUE, TIMESTAMP '2026-01-01 00:00:00', DATE '2026-01-01', "
    "TIME '01:02:03', ARRAY[0], ROW(3, 'x'))",
)
LINES = (
    "1,2,3,1.5,12.34,plain,true,2026-11-22 11:05:07.12,2026-11-22,11:05:07,1;2,1;a",
    '2,7,8,0.5,1,"with, comma",false,2026-01-01 00:00:00,2026-01-01,00:00:01,5,3;',
    '3, 4 , 5 , 6 ,7.005,"a ""quote""",TRUE,2026-01-01 00:00:00,2026-01-01,00:00:00,,3;',
    "4,0,0,1e3,1,,yes,2026-01-01 00:00:00.123,2026-01-01,23:59:59,7,3;b c",
    "5,0,0,NaN,1.1, padded ,1,2026-01-01 00:00:00,2026-01-01,23:59:59,7,3;x",
)
BROKEN = (
    "x,2,3,1.5,12.34,a,true,2026-11-22 11:05:07,2026-11-22,11:05:07,1,1;a",
    "1,2,3",
    "2,,,,,,,,,,,",
    LINES[0] + ",more",
    '"open',
)
CHANGES = (
    {"before": None, "after": {"id": 1, "v": "a"}, "op": "c"},
    {"before": None, "after": {"id": 2, "v": "b"}, "op": "r"},
    {
        "before": {"id": 1, "v": "a"},
        "after": {"id": 1, "v": "A"},
        "op": "u",
        "ts_ms": 5,
        "source": {"db": "x"},
    },
    {"before": {"id": 2, "v": "b"}, "after": None, "op": "d"},
    {"after": {"id": 3, "v": None}, "op": "c"},
)
CSV: dict[str, dict[str, str]] = {
    "csv": {}, "csv, pipes": {"csv.field-delimiter": "|", "csv.null-literal": "nil"}, "csv, no quotes": {"csv.disable-quote-character": "true"},
    "csv, escapes": {"csv.escape-character": "\\", "csv.quote-character": "'"}, "csv, lenient": {"csv.ignore-parse-errors": "true"},
}  # fmt: skip


class Asker:
    """Asks Flink to read and to write files."""

    def __init__(self, sql: flink.Flink) -> None:
        self._sql = sql

    def read(self, columns: str, options: dict[str, str], lines: list[str]) -> Any:
        """The rows of lines, with their kinds; None where the job fails."""
        with tempfile.TemporaryDirectory(prefix="formats-") as folder:
            Path(folder, "lines").write_text("".join(line + "\n" for line in lines))
            try:
                return self._sql.rows([_table(columns, folder, options), "SELECT * FROM t"]).rows
            except flink.FlinkError:
                return None

    def write(self, columns: str, options: dict[str, str], query: str, *before: str) -> list[str]:
        """The lines that a query's rows become."""
        with tempfile.TemporaryDirectory(prefix="formats-") as folder:
            self._sql.run([*before, _table(columns, folder, options), f"INSERT INTO t {query}"])
            files = [one for one in Path(folder).rglob("*") if one.is_file() and not one.name.startswith(".")]
            return [line for one in files for line in one.read_text().splitlines()]


def _table(columns: str, folder: str, options: dict[str, str]) -> str:
    told = ", ".join("'{}' = '{}'".format(key, value.replace("'", "''")) for key, value in options.items())
    return f"CREATE TABLE t ({columns}) WITH ('connector' = 'filesystem', 'path' = 'file://{folder}', {told})"


def main() -> None:
    """Ask for all, and write."""
    found: dict[str, Any] = {}
    rows = "SELECT * FROM (VALUES " + ", ".join(VALUES) + ") AS v (n, t, b, d, m, s, c, ts, dt, tm, a, r)"
    with flink.running() as sql:
        asker = Asker(sql)
        for name, options in CSV.items():
            told = {"format": "csv", **options}
            found[f"{name}, written"] = asker.write(KINDS, told, rows)
            lines = [line.replace(",", options.get("csv.field-delimiter", ",")) for line in LINES]
            found[f"{name}, read"] = asker.read(KINDS, told, lines)
        for name in ("csv", "csv, lenient"):
            found[f"{name}, broken"] = [
                asker.read(KINDS, {"format": "csv", **CSV[name]}, [line]) for line in BROKEN
            ]
        found["json, written"] = asker.write(KINDS, {"format": "json"}, rows)
        changes = [json.dumps(one) for one in CHANGES]
        dbz = {"format": "debezium-json"}
        found["debezium, read"] = asker.read("id INT, v STRING", dbz, changes)
        found["debezium, bare"] = [asker.read("id INT, v STRING", dbz, [line]) for line in (*changes, *_ODD)]
        wrapped = [json.dumps({"schema": {}, "payload": one}) for one in CHANGES]
        found["debezium, wrapped"] = asker.read(
            "id INT, v STRING", {**dbz, "debezium-json.schema-include": "true"}, wrapped
        )
        query = "SELECT k, COUNT(*) FROM (VALUES (1), (2), (1)) AS v (k) GROUP BY k"
        found["debezium, written"] = asker.write("k INT, c BIGINT", dbz, query)
    texts = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
    FROZEN.write_text("{\n" + ",\n".join(texts) + "\n}\n")


_ODD = (
    '{"before": null, "after": {"id": 1, "v": "x"}, "op": "u"}', '{"before": null, "after": null, "op": "d"}',
    '{"before": null, "after": {"id": 1}, "op": "t"}', '{"after": {"id": "x"}, "op": "c"}', "{}", "[1]", '{"op": "c"}',
)  # fmt: skip

if __name__ == "__main__":
    main()
