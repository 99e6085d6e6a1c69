"""A catalogue of wrong and unsupported queries: `^` stands where each is refused. The docs print what is said of them.

Knows scripts; what is said is read off by refusing them.
"""

from penstock.errors import PenstockError
from penstock.sql import parse

HEAD = """\
CREATE TABLE t (k STRING, n INT, x DOUBLE, plain TIMESTAMP(3), ts TIMESTAMP(3), `at` AS PROCTIME(),
  inner_row ROW<a INT, b ROW<c STRING>>, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (k STRING, rate DOUBLE, rt TIMESTAMP(3), WATERMARK FOR rt AS rt, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'r', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE p (k STRING, v INT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'p', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE grows (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'grows', 'format' = 'json');
CREATE TABLE o (k STRING, n BIGINT) WITH ('connector' = 'print');
"""
_W = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
_RANKED = "(SELECT k, n, ^ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC) AS i FROM t)"

SCRIPTS: dict[str, tuple[str, ...]] = {
    "Names": (
        "INSERT INTO o SELECT k, ^m FROM t",
        "INSERT INTO o SELECT ^k, n FROM t JOIN p ON t.k = p.k",
        "INSERT INTO o SELECT ^z.k, n FROM t",
        "INSERT INTO o SELECT k, n FROM ^tt",
        "INSERT INTO o SELECT ^t.k, n FROM t AS a",
        "INSERT INTO o WITH q AS (SELECT k FROM t) SELECT k, ^n FROM q",
        "INSERT INTO o SELECT k, ^inner_row.z FROM t",
        "INSERT INTO o SELECT k, ^inner_row.b.d FROM t",
        "INSERT INTO o SELECT k, ^n.a FROM t",
        "INSERT INTO o SELECT k, ^UPER(k) FROM t",
    ),
    "Kinds": (
        "INSERT INTO o SELECT k, ^x FROM t",
        "INSERT INTO o SELECT k, n FROM t WHERE ^n",
        "INSERT INTO o SELECT k, n FROM t WHERE ^n > ts",
        "INSERT INTO o SELECT k, ^SUM(k) FROM t GROUP BY k",
        "INSERT INTO o SELECT k, n FROM t JOIN p USING (k) WHERE ^x",
        "INSERT INTO o SELECT t.k, n FROM t JOIN p ON t.^ts = p.v",
        "INSERT INTO o SELECT k, ^n || inner_row FROM t",
    ),
    "Joins": (
        "INSERT INTO o SELECT t.k, n FROM t ^LEFT JOIN p",
        "INSERT INTO o SELECT t.k, n FROM t ^NATURAL JOIN p",
        "INSERT INTO o SELECT t.k, n FROM t ^SEMI JOIN p ON t.k = p.k",
        "INSERT INTO o SELECT t.k, n FROM t ^FULL JOIN p USING (k)",
        "INSERT INTO o SELECT t.k, n FROM t JOIN p ON ^COUNT(*) > 1",
        "INSERT INTO o SELECT t.k, n FROM t JOIN p ON t.^n",
        "INSERT INTO ^grows SELECT t.k, n FROM t LEFT JOIN p ON t.k = p.k",
        "INSERT INTO ^grows SELECT a.k, a.n FROM t AS a FULL JOIN t AS b ON a.k = b.k",
        "INSERT INTO o SELECT t.k, n FROM t JOIN p USING (^n)",
    ),
    "Temporal joins": (
        "INSERT INTO o SELECT t.k, n FROM t JOIN r FOR SYSTEM_TIME AS OF ^t.plain AS r ON t.k = r.k",
        "INSERT INTO o SELECT t.k, n FROM t ^RIGHT JOIN r FOR SYSTEM_TIME AS OF t.ts AS r ON t.k = r.k",
        "INSERT INTO o SELECT t.k, n FROM t ^JOIN r FOR SYSTEM_TIME AS OF t.ts AS r ON t.n = r.rate",
        "INSERT INTO o SELECT t.k, n FROM t ^JOIN r FOR SYSTEM_TIME AS OF t.ts AS r ON t.k = r.k || 'x'",
        "INSERT INTO o SELECT t.k, n FROM t ^JOIN t FOR SYSTEM_TIME AS OF t.ts AS b ON t.k = b.k",
        "INSERT INTO o SELECT t.k, n FROM t ^JOIN p FOR SYSTEM_TIME AS OF t.ts AS p ON t.k = p.k",
        "INSERT INTO o SELECT p.k, v FROM p ^JOIN r FOR SYSTEM_TIME AS OF PROCTIME() AS r ON p.k = r.k",
        "INSERT INTO o SELECT k, 1 FROM r FOR SYSTEM_TIME AS OF ^rt",
    ),
    "Subqueries": (
        "INSERT INTO o SELECT k, n FROM t WHERE n > 1 OR ^k IN (SELECT k FROM p)",
        "INSERT INTO o SELECT k, n FROM t WHERE ^k IN (SELECT k, v FROM p)",
        "INSERT INTO o SELECT k, n FROM t WHERE n > (SELECT ^v FROM p)",
        "INSERT INTO o SELECT k, (SELECT MAX(v) FROM p WHERE ^t.n > v) FROM t",
        "INSERT INTO o SELECT k, (SELECT ^MAX(v), MIN(v) FROM p) FROM t",
        "INSERT INTO o SELECT k, MAX(n) + (SELECT ^MAX(v) FROM p) FROM t GROUP BY k",
        "INSERT INTO o SELECT k, n FROM t WHERE EXISTS (SELECT COUNT(*) FROM p WHERE p.k = ^t.k GROUP BY v)",
        "INSERT INTO o SELECT k, n FROM t WHERE ^n IN (SELECT k FROM p WHERE k IS NOT NULL)",
        "INSERT INTO o SELECT k, n FROM t WHERE k IN (SELECT k FROM p WHERE ^q = 1)",
        "INSERT INTO ^grows SELECT k, n FROM t WHERE NOT EXISTS (SELECT * FROM p WHERE p.k = t.k)",
        "INSERT INTO ^grows SELECT k, n FROM t WHERE k IN (SELECT k FROM p)",
    ),
    "Top-N": (
        f"INSERT INTO o SELECT k, n FROM {_RANKED}",
        f"INSERT INTO o SELECT k, n FROM {_RANKED.replace('^', '')} WHERE ^i > 3",
        f"INSERT INTO o SELECT k, n FROM {_RANKED.replace('^', '')} WHERE ^i <= 0",
        f"INSERT INTO o SELECT k, MAX(i) FROM {_RANKED} GROUP BY k",
        f"INSERT INTO o SELECT q.k, n FROM {_RANKED} AS q JOIN p ON q.k = p.k WHERE i = 1",
        f"INSERT INTO o SELECT k, n FROM {_RANKED.replace('^', '')} WHERE ^i <= 1.5",
        "INSERT INTO o SELECT k, n FROM (SELECT *, ^ROW_NUMBER() OVER (PARTITION BY k) AS i FROM t) WHERE i = 1",
        "INSERT INTO o SELECT k, n FROM (SELECT *, ^RANK() OVER (PARTITION BY k ORDER BY x) AS i FROM t) WHERE i = 1",
        "INSERT INTO ^grows SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x) AS i FROM t) WHERE i <= 3",
        "INSERT INTO o SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ^x NULLS LAST) AS i FROM t) WHERE i = 1",
    ),
    "OVER": (
        "INSERT INTO o SELECT k, ^SUM(n) OVER (PARTITION BY k) FROM t",
        "INSERT INTO o SELECT k, SUM(n) OVER (PARTITION BY k ORDER BY ^x) FROM t",
        "INSERT INTO o SELECT k, ^SUM(n) OVER (PARTITION BY k ORDER BY ts DESC) FROM t",
        "INSERT INTO o SELECT k, ^SUM(n) OVER (ORDER BY ts ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING) FROM t",
        "INSERT INTO o SELECT k, SUM(n) OVER (ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)"
        " + ^COUNT(*) OVER (ORDER BY ts) FROM t",
        "INSERT INTO o SELECT k, ^COUNT(*) OVER (ORDER BY rt) FROM r",
        "INSERT INTO o SELECT k, ^LEAD(n) OVER (ORDER BY ts) FROM t",
        "INSERT INTO o SELECT k, ^LAG(n) FROM t",
        "INSERT INTO o SELECT k, ^LAG(n) IGNORE NULLS OVER (ORDER BY ts) FROM t",
        "INSERT INTO o SELECT k, CAST(LAG(x, 1, ^0) OVER (ORDER BY ts) AS INT) FROM t",
        "INSERT INTO o SELECT k, n FROM t WHERE ^SUM(n) OVER (ORDER BY ts) > 3",
        "INSERT INTO o SELECT k, SUM(n) OVER ^v FROM t WINDOW w AS (ORDER BY ts)",
        "INSERT INTO o SELECT k, SUM(n) OVER (^w ROWS 1 PRECEDING) FROM t WINDOW w AS (ORDER BY ts)",
    ),
    "Windows": (
        "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(^plain), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end",
        "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(HOP(TABLE t, DESCRIPTOR(^ts), INTERVAL '7' SECOND, INTERVAL '30' SECOND)) GROUP BY k, window_start, window_end",
        "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(^ts), INTERVAL '7' SECOND, INTERVAL '30' SECOND)) GROUP BY k, window_start, window_end",
        "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(SESSION(TABLE t, DESCRIPTOR(ts), ^5)) GROUP BY k, window_start, window_end",
        "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY n, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY ^k, window_start, window_end",
        "INSERT INTO ^o SELECT k, n FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND))",
        f"INSERT INTO o SELECT k, COUNT(*) FROM {_W} GROUP BY ^k, window_end",
        "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(^rt), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end",
        "INSERT INTO o SELECT k, COUNT(*) FROM t GROUP BY k, ^TUMBLE(plain, INTERVAL '1' MINUTE)",
        "INSERT INTO o SELECT k, ^HOP_START(ts, INTERVAL '1' MINUTE, INTERVAL '2' MINUTE) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE)",
        "INSERT INTO o SELECT k, COUNT(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' MINUTE), ^TUMBLE(ts, INTERVAL '2' MINUTE)",
        f"CREATE VIEW w AS SELECT * FROM {_W}; INSERT INTO o SELECT k, n FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(^window_time), INTERVAL '5' MINUTE))",
        "INSERT INTO o SELECT k, n FROM TABLE(TUMBLE(TABLE t PARTITION BY ^k, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
        f"INSERT INTO o SELECT k, COUNT(*) FROM {_W} GROUP BY k, window_start, window_end HAVING ^n > 1",
    ),
    "Groups": (
        "INSERT INTO o SELECT k, ^n FROM t GROUP BY k",
        "INSERT INTO o SELECT k, n FROM t WHERE ^COUNT(*) > 1",
        "INSERT INTO o SELECT k, SUM(^COUNT(*)) FROM t GROUP BY k",
        "INSERT INTO o SELECT k, COUNT(*) FROM t GROUP BY ^1",
        "INSERT INTO o SELECT k, COUNT(*) FROM t ^GROUP BY k WITH ROLLUP",
        "INSERT INTO o SELECT k, GROUPING(^n) FROM t GROUP BY ROLLUP (k)",
        "INSERT INTO ^p SELECT k, CAST(COUNT(*) AS INT) FROM t GROUP BY ROLLUP (k)",
        "INSERT INTO o SELECT k, ^COUNT(DISTINCT n, x) FROM t GROUP BY k",
        "INSERT INTO o SELECT k, ^JSON_ARRAYAGG(k) FROM t GROUP BY k",
        "INSERT INTO ^grows SELECT k, COUNT(*) FROM t GROUP BY k",
        "INSERT INTO ^p SELECT MAX(k), n FROM t GROUP BY n",
    ),
    "Set operations": (
        "INSERT INTO o SELECT k, n FROM t UNION ALL SELECT ^n, n FROM t",
        "INSERT INTO o SELECT k, n FROM t UNION ALL SELECT ^k FROM t",
        "INSERT INTO o SELECT k, n FROM t INTERSECT SELECT ^k FROM p",
        "INSERT INTO o SELECT k, n FROM t EXCEPT ALL SELECT ^v, k FROM p",
        "INSERT INTO ^grows SELECT k, n FROM t UNION SELECT k, v FROM p",
        "INSERT INTO ^p SELECT k, n FROM t UNION ALL SELECT k, v FROM p",
    ),
    "What a stream has not": (
        "INSERT INTO o SELECT k, n FROM t ^ORDER BY n",
        "INSERT INTO o SELECT k, n FROM t ^LIMIT 3",
        "INSERT INTO o VALUES ('a', 1), ('b', ^NULL)",
        "INSERT INTO o SELECT k, n FROM (VALUES ('a', 1), (^2, 2)) AS v (k, n)",
        "INSERT INTO o VALUES ('a', 1), (^'b')",
        "INSERT INTO o SELECT k, n FROM t, UNNEST(^k) AS u (i)",
        "INSERT INTO o SELECT k, ^RAND() FROM t",
        "^SELECT k, n FROM t",
        "^DELETE FROM t",
        "INSERT ^OVERWRITE o SELECT k, n FROM t",
    ),
    "What is written otherwise": (
        "INSERT INTO o SELECT k, n FROM t ^/*+ OPTIONS('scan.startup.mode' = 'latest-offset') */",
        "INSERT INTO o SELECT /*+ ^BROADCAST(p) */ t.k, n FROM t JOIN p ON t.k = p.k",
        "INSERT INTO o ^SELEC k, n FROM t",
        "INSERT INTO o SELECT k, n FROM t WHERE n > 1 ^AND",
        "INSERT INTO o SELECT k, n FROM t WHERE (n > ^1",
        "INSERT INTO o SELECT k,^, n FROM t",
        "INSERT INTO o SELECT k, n^, FROM t",
        "INSERT INTO o SELECT k, n FROM t GROUP BY k, n^,",
        "INSERT INTO o SELECT k, n FROM t^,",
        "INSERT INTO o SELECT k ^AS, n FROM t",
        "INSERT INTO o SELECT k AS ^'x', n FROM t",
        "INSERT INTO o SELECT k, n^::BIGINT FROM t",
        "INSERT INTO o SELECT k, n FROM t WHERE k ^ILIKE 'a%'",
        "INSERT INTO o SELECT k, n FROM t WHERE k ^== 'a'",
        "INSERT INTO o SELECT k, n FROM t WHERE k = ^?",
        "INSERT INTO o SELECT TOP ^3 k, n FROM t",
        "INSERT INTO o SELECT k, n FROM t MINUS ^SELECT k, n FROM grows",
        "INSERT INTO o SELECT k, n FROM t GROUP ^k",
        "INSERT INTO o SELECT t.k, n FROM t ^CROSS JOIN p ON t.k = p.k",
        "INSERT INTO o SELECT ^k, n FROM t JOIN t ON TRUE",
        "INSERT INTO o SELECT ^LPAD(k, 2000000000, 'x'), n FROM t",
        "INSERT INTO o SELECT k, n FROM t WHERE ^k LIKE 'a' ESCAPE 'bc'",
    ),
}  # fmt: skip


def refusal(marked: str) -> PenstockError:
    """What is said of a script of the catalogue; raises AssertionError where it is taken."""
    try:
        parse(HEAD + marked.replace("^", ""), place="pipeline.sql")
    except PenstockError as error:
        return error
    raise AssertionError(f"this is taken: {marked}")


def markdown() -> str:
    """The catalogue, and what is said of each script."""
    lines = ["The tables that the scripts are about:", "", "```sql", HEAD.strip(), "```"]
    for title, scripts in SCRIPTS.items():
        lines += ["", f"## {title}"]
        for marked in scripts:
            error = refusal(marked)
            place = f"{error.line - HEAD.count(chr(10))}:{error.column}"
            lines += [
                "",
                "```sql",
                marked.replace("^", ""),
                "```",
                "",
                f"> {place} {error.message}  ",
                f"> *{error.remedy}*",
            ]
    return "\n".join(lines) + "\n"
