"""Where answers differ from Flink's on purpose, and what Flink offers and we refuse, by reason. Both lists only shrink."""

_TUMBLE = "TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
_HOP = "TABLE(HOP(TABLE a, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND))"
_SESSION = "TABLE(SESSION(TABLE a PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' SECOND))"
_RANKED = "SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC, n) AS r FROM a"

_DIFFERENT: dict[str, tuple[str, ...]] = {
    "Flink 2.3 lets rows stand that a better one pushed out of the first place, where the rank is selected and not read": (
        "SELECT n, k, s, MAX(k) FILTER (WHERE (NOT TRUE)) AS g0, AVG(n) AS g1 FROM (SELECT n, k, s, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC, n) AS r FROM a) WHERE r <= 1) AS q WHERE s IS NOT NULL GROUP BY n, k, s",
        "SELECT n, k, TRIM(s) AS e, MIN((TIMESTAMPADD(MINUTE, 2, (TIMESTAMP '2026-01-01 00:00:30')))) AS g0 FROM (SELECT n, k, s, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY s ORDER BY k ASC, n) AS r FROM b) WHERE r <= 1) AS q GROUP BY n, k, TRIM(s)",
        "SELECT (CAST(k AS DOUBLE)) * 2 AS c0, ROUND((1.25 * n), 1) AS c1, REVERSE(s) AS c2, (DATE_FORMAT((TIMESTAMP '2026-01-01 00:00:30'), 'mm:ss')) < 'c' AS c3 FROM (SELECT n, k, s, r FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY s ORDER BY k ASC, n) AS r FROM b) WHERE r <= 1) AS q WHERE (k + n) = 2",
    ),
    "Flink 2.3 does so too where the rank is not selected": (
        "SELECT n, k, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY s ORDER BY k ASC, n) AS r FROM b) WHERE r <= 1",
    ),
    "Flink 2.3 groups by all keys where a grouping set comes for the third time": (
        "SELECT k, s, GROUPING(s) AS t1, AVG((x / 3)) AS g0, AVG(n) AS g1 FROM b WHERE s LIKE '%a%' GROUP BY ROLLUP (k, s), ROLLUP (k) HAVING COUNT(*) > 1",
    ),
    "Flink's planner gives up on sets that come twice, where a key is in all of them or event time is aggregated": (
        "SELECT k, s, COUNT(*) AS c FROM a GROUP BY k, ROLLUP (k, s)",
        "SELECT window_start, window_end, k, s, ok, GROUPING(ok) AS t2, STDDEV_POP(x) AS g0, MIN(SIGN(n)) AS g1, MIN((ts + INTERVAL '7' SECOND)) AS g2 FROM TABLE(HOP(TABLE a, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end, CUBE (s), CUBE (ok, k, s)",
    ),
    "Flink 2.3 leaves a row of NULL here once all rows are taken back; elsewhere it takes it away, as we do": (
        "SELECT MIN(((TIMESTAMP '2026-01-01 00:00:30') + INTERVAL '7' SECOND)) AS g0 FROM (SELECT n, n AS c0 FROM a WHERE k NOT IN (SELECT b.k FROM b WHERE b.k IS NOT NULL) AND ok) AS q WHERE (REPLACE('abc', 'a', 'o')) < 'c'",
    ),
    "Flink 2.3 takes LAG with a default that is no NULL for a value that is none either, and casts its NULL to an empty text": (
        "SELECT n, LAG(s, 1, 'none') OVER (PARTITION BY k ORDER BY ts) AS p FROM a",
        "SELECT n, LAG(x, 2) OVER (PARTITION BY k ORDER BY w) AS p, LAG(s, 3, 'z') OVER (PARTITION BY k ORDER BY w) AS q, COUNT(*) OVER (PARTITION BY k ORDER BY w) AS c FROM (SELECT n, k, s, x, window_time AS w FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '10' SECOND)))",
    ),
    "Flink 2.3 loses a constant column of what INTERSECT ALL and EXCEPT ALL count: rows are there that are in one side alone, or none": (
        "SELECT 9 AS c, k FROM b INTERSECT ALL SELECT n, k FROM a",
        "SELECT 9 AS c FROM b EXCEPT ALL SELECT k FROM a",
    ),
    "Flink 2.3 lets four rows stand at the second to the fourth place of all, where rows change": (
        "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY x, id DESC) AS r FROM u) WHERE r BETWEEN 2 AND 4",
    ),
    "Flink 2.3 reads a DECIMAL out of any one letter, as 0": (
        "SELECT n, TRY_CAST(SUBSTRING(s, 1, 1) AS DECIMAL(5, 1)) AS d FROM a WHERE s IS NOT NULL",
    ),
    "Flink gives an aggregate of no rows where its planner knows that there are none; where none come it gives none, as we do": (
        "SELECT COUNT(*) AS c FROM a WHERE FALSE",
    ),
    "Flink's planner fails on a LEFT JOIN UNNEST of constants": (
        "SELECT ts, e2 FROM (SELECT ts, ok, e1 FROM a CROSS JOIN UNNEST(ARRAY[ok IS NOT TRUE]) AS t (e1) WHERE ok IS NOT TRUE) AS q LEFT JOIN UNNEST(ARRAY[COALESCE('abc', '?')]) AS t (e2) ON TRUE WHERE CHAR_LENGTH(e2) > (3 / 4)",
    ),
    "Flink has no SUM(DISTINCT) over hopping windows": (
        "SELECT n, k, window_start, window_end, MIN(n) AS g0, SUM(DISTINCT (IF(TRUE, k, 7))) AS g1 FROM TABLE(HOP(TABLE b, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) WHERE (s || '-' || s) IS NOT NULL GROUP BY n, k, window_start, window_end",
        "SELECT window_start, n, g1_0, window_end FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g1_0, n ORDER BY n ASC, g1_0 DESC) AS r FROM (SELECT n, window_start, window_end, COUNT(DISTINCT (ABS((CAST(k AS DECIMAL(8, 2)))))) AS g1_0, SUM(DISTINCT ((CAST(k AS DECIMAL(8, 2))) * 1.25)) AS g1_1 FROM TABLE(HOP(TABLE b, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY n, window_start, window_end) AS q) WHERE r <= 1",
    ),
}
_REFUSED: dict[str, tuple[str, ...]] = {
    "groups by one bound of a window are a slip more often than a wish": (
        f"SELECT window_end, COUNT(*) AS c FROM {_TUMBLE} GROUP BY window_end",
        f"SELECT window_start, COUNT(*) AS c FROM {_HOP} GROUP BY window_start",
        f"SELECT window_end, k, COUNT(*) AS c FROM {_TUMBLE} GROUP BY window_end, ROLLUP (k)",
    ),
    "sessions come as groups of their own keys": (
        f"SELECT k, s, window_start, window_end, COUNT(*) AS c FROM {_SESSION} GROUP BY k, s, window_start, window_end",
        f"SELECT n, window_start, window_end FROM {_SESSION}",
        f"SELECT k, s, window_start, window_end, COUNT(*) AS c FROM {_SESSION} GROUP BY window_start, window_end, k, ROLLUP (s)",
        "SELECT window_start, window_end, s, COUNT(*) AS c FROM TABLE(SESSION(TABLE a, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, ROLLUP (s)",
    ),
    "a window is over a table or a view": (
        f"SELECT window_start, window_end, SUM(c) AS t FROM TABLE(TUMBLE((SELECT window_time AS w, COUNT(*) AS c FROM {_TUMBLE} GROUP BY window_start, window_end, window_time), DESCRIPTOR(w), INTERVAL '20' SECOND)) GROUP BY window_start, window_end",
    ),
    "Flink 2.3 forgets a frame beside a window's name, and what a window says that another builds on which others build on": (
        "SELECT n, SUM(n) OVER (w ORDER BY ts) AS t FROM a WINDOW w AS (v), v AS (PARTITION BY k)",
        "SELECT n, SUM(n) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS t FROM a WINDOW w AS (PARTITION BY k ORDER BY ts)",
    ),
    "a ROW_NUMBER is bounded where its query is read": (
        f"SELECT q.n, b.n AS bn FROM ({_RANKED}) AS q JOIN b ON q.k = b.k WHERE q.r <= 2",
    ),
    "USING would need both sides' columns": tuple(
        f"SELECT k, p.n AS pn, q.n AS qn FROM a AS p {how} JOIN b AS q USING (k)" for how in ("FULL", "RIGHT")
    ),
    "subqueries are joins, so they stand in WHERE": (
        "SELECT n FROM a WHERE x >= ALL (SELECT x FROM b WHERE x IS NOT NULL)",
        "SELECT n FROM a WHERE k IN (SELECT k FROM b) OR n < 3",
        "SELECT n, CAST(n AS STRING) AS c0, POSITION('a' IN UPPER(s)) AS c1, TIMESTAMPADD(MINUTE, 2, (FLOOR(ts TO MINUTE))) AS c2 FROM b WHERE NOT EXISTS (SELECT 1 FROM a WHERE a.k = b.k AND a.n > b.n) AND TRUE OR TRUE",
        "SELECT n FROM a WHERE EXISTS (SELECT k FROM b WHERE b.k = a.k GROUP BY k HAVING COUNT(*) > 3)",
        "SELECT n, k IN (SELECT k FROM b) AS f FROM a",
        "SELECT n FROM a AS p WHERE x >= (SELECT AVG(x) FROM a AS q WHERE q.k = p.k)",
        "SELECT k, MAX(x) > (SELECT AVG(x) FROM b) AS f FROM a GROUP BY k",
    ),
    "a subquery that stands for a value must give one row, whatever comes; Flink fails once there are two": (
        "SELECT n FROM a WHERE k > (SELECT k FROM b WHERE n = 3)",
    ),
    "not offered yet": (
        "SELECT n FROM a NATURAL JOIN (SELECT k, s FROM u CROSS JOIN (SELECT DISTINCT s FROM b))",
        "(SELECT k FROM a UNION ALL SELECT k FROM b) UNION ALL SELECT id FROM u",
    ),
    "a hopping window's size is a multiple of its slide": (
        "SELECT n, window_start, window_end FROM TABLE(HOP(TABLE a, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '10' SECOND)) WHERE n < 6",
    ),
    "patterns are literals": (
        "SELECT n, s SIMILAR TO s AS f FROM a",
        "SELECT a.n, b.n AS bn FROM a LEFT JOIN b ON a.s LIKE b.s || '%' AND a.k = b.k",
    ),
    "the versions of a table are those of an upsert table with event time, no view's": (
        "CREATE VIEW seen AS SELECT k, n, x, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS r FROM b) WHERE r = 1; SELECT a.n, v.n AS vn FROM a LEFT JOIN seen FOR SYSTEM_TIME AS OF a.ts AS v ON a.k = v.k",
    ),
    "nulls sort as the smallest value, everywhere": (
        "SELECT id FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY x NULLS LAST, id) AS r FROM u) WHERE r <= 3",
    ),
    "an unbounded stream has no first rows; ROW_NUMBER says which are meant": (
        "SELECT n FROM a ORDER BY x DESC, n LIMIT 4",
    ),
    "rows that change have no first or last": (
        "SELECT FIRST_VALUE(k) AS f FROM u",
        "SELECT k, LAST_VALUE(v) AS f FROM u GROUP BY k",
    ),
}
DIFFERENCES = {query: reason for reason, queries in _DIFFERENT.items() for query in queries}
REFUSED = {query: reason for reason, queries in _REFUSED.items() for query in queries}
