"""Python and SQL build the same plan, node by node: each case is one pipeline, written twice."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from penstock.dsl import App, Stream, col, fn, left, now, right
from penstock.engine.plan import Plan, walk
from penstock.sql import parse
from penstock.sql.explain import explain

KAFKA = "'connector' = 'kafka', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset'"
UPSERT = "'connector' = 'upsert-kafka', 'key.format' = 'json', 'value.format' = 'json'"
TABLES = f"""
CREATE TABLE orders (card STRING, item STRING, `when` TIMESTAMP(3), WATERMARK FOR `when` AS `when`)
  WITH ({KAFKA}, 'topic' = 'orders');
CREATE TABLE rates (card STRING, rate DOUBLE, since TIMESTAMP(3), WATERMARK FOR since AS since,
  PRIMARY KEY (card) NOT ENFORCED) WITH ({UPSERT}, 'topic' = 'rates');
CREATE TABLE payments (card STRING, amount DOUBLE, n INT, ok BOOLEAN, `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '5' SECOND) WITH ({KAFKA}, 'topic' = 'payments');
CREATE TABLE cards (card STRING, cap DOUBLE, PRIMARY KEY (card) NOT ENFORCED) WITH ({UPSERT}, 'topic' = 'cards');
"""
WINDOW = "window_start, window_end, window_time"
TUMBLE = "FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(`at`), INTERVAL '1' MINUTE))"

ORDERS = "FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(`when`), INTERVAL '1' MINUTE))"

Build = Callable[[Stream, Stream], Stream]
CASES: list[tuple[str, Build, str]] = [
    ("Scan", lambda p, c: p, "SELECT * FROM payments"),
    ("Filter", lambda p, c: p.filter(col.amount > 100), "SELECT * FROM payments WHERE amount > 100"),
    (
        "Filter, several conditions",
        lambda p, c: p.filter((col.amount >= 1.5) & ((col.card == "a") | ~col.ok)),
        "SELECT * FROM payments WHERE amount >= 1.5 AND (card = 'a' OR NOT ok)",
    ),
    (
        "Filter, one after the other",
        lambda p, c: p.filter(col.amount > 1, col.n != 2),
        "SELECT * FROM (SELECT * FROM payments WHERE amount > 1) WHERE n <> 2",
    ),
    (
        "Filter, predicates",
        lambda p, c: p.filter(
            col.card.is_in(["a", "b"]) & col.n.between(1, 5) & col.card.like("a%") & col.n.is_not_null() & col.ok.is_null()
        ),
        "SELECT * FROM payments WHERE card IN ('a', 'b') AND n BETWEEN 1 AND 5 AND card LIKE 'a%' AND n IS NOT NULL "
        "AND ok IS NULL",
    ),
    (
        "Project",
        lambda p, c: p.select(col.card, "n", eur=col.amount * 0.92, minus=-col.n, rest=10 - col.n % 3, half=col.amount / 2),
        "SELECT card, n, amount * 0.92 AS eur, -n AS `minus`, 10 - n % 3 AS `rest`, amount / 2 AS half FROM payments",
    ),
    (
        "Project, functions",
        lambda p, c: p.select(
            up=fn.upper(col.card), low=fn.lower(fn.trim(col.card)), two=fn.substring(col.card, 1, 2), r=fn.round(col.amount, 1),
            f=fn.floor(col.amount), c=fn.ceil(col.amount), g=fn.greatest(col.n, 0), co=fn.coalesce(col.card, "?"),
            le=fn.char_length(col.card), cc=fn.concat(col.card, "-", "x"), h=fn.extract("hour", col.at),
            d=fn.date_format(col.at, "yyyy-MM"), ni=fn.nullif(col.n, -1), p=fn.power(col.amount, 2), rp=fn.replace(col.card, "a", "b"),
            ts=fn.to_timestamp("2026-01-01 00:00:00"), m=fn.call("mod", col.n, 3),
        ),
        "SELECT UPPER(card) AS up, LOWER(TRIM(card)) AS low, SUBSTRING(card, 1, 2) AS two, ROUND(amount, 1) AS r, "
        "FLOOR(amount) AS f, CEIL(amount) AS c, GREATEST(n, 0) AS g, COALESCE(card, '?') AS co, CHAR_LENGTH(card) AS le, "
        "CONCAT(card, '-', 'x') AS cc, EXTRACT(HOUR FROM `at`) AS h, DATE_FORMAT(`at`, 'yyyy-MM') AS d, NULLIF(n, -1) AS ni, "
        "POWER(amount, 2) AS p, REPLACE(card, 'a', 'b') AS rp, TO_TIMESTAMP('2026-01-01 00:00:00') AS ts, MOD(n, 3) AS m "
        "FROM payments",
    ),
    (
        "Project, CASE and CAST",
        lambda p, c: p.select(
            size=fn.case((col.amount > 100, "large"), (col.amount > 10, "medium"), default="small"),
            t=col.n.cast(str), d=col.amount.cast("DECIMAL(10, 2)"), none=fn.case((col.ok, 1)),
        ),
        "SELECT CASE WHEN amount > 100 THEN 'large' WHEN amount > 10 THEN 'medium' ELSE 'small' END AS `size`, "
        "CAST(n AS STRING) AS t, CAST(amount AS DECIMAL(10, 2)) AS d, CASE WHEN ok THEN 1 END AS `none` FROM payments",
    ),
    (
        "Project, times",
        lambda p, c: p.filter(col.at > datetime(2026, 1, 1, 12)).select(later=col.at + timedelta(minutes=1.5)),
        "SELECT `at` + INTERVAL '90' SECOND AS later FROM payments WHERE `at` > TIMESTAMP '2026-01-01 12:00:00'",
    ),
    (
        "Window and Aggregate, tumbling",
        lambda p, c: p.tumble("1 min").group_by(col.card).agg(n=fn.count(), spent=fn.sum(col.amount)),
        f"SELECT card, {WINDOW}, COUNT(*) AS n, SUM(amount) AS spent {TUMBLE} GROUP BY card, {WINDOW}",
    ),
    (
        "Window and Aggregate, hopping",
        lambda p, c: p.hop("30s", "1 s").group_by("card").agg(mean=fn.avg(col.amount), sd=fn.stddev_pop(col.amount)),
        f"SELECT card, {WINDOW}, AVG(amount) AS mean, STDDEV_POP(amount) AS sd FROM TABLE(HOP(TABLE payments, "
        f"DESCRIPTOR(`at`), INTERVAL '1' SECOND, INTERVAL '30' SECOND)) GROUP BY card, {WINDOW}",
    ),
    (
        "Window, filtered after it",
        lambda p, c: p.tumble("1m").filter(col.amount > 1).agg(n=fn.count()),
        f"SELECT {WINDOW}, COUNT(*) AS n {TUMBLE} WHERE amount > 1 GROUP BY {WINDOW}",
    ),
    (
        "Window, alone",
        lambda p, c: p.tumble("1 minute"),
        f"SELECT * {TUMBLE}",
    ),
    (
        "Aggregate, running",
        lambda p, c: p.group_by(col.card).agg(
            n=fn.count(col.n), people=fn.count(col.card, distinct=True), low=fn.min(col.amount), high=fn.max(col.amount),
            large=fn.count().filter(col.amount > 100), first=fn.first_value(col.n), last=fn.last_value(col.n),
        ),
        "SELECT card, COUNT(n) AS n, COUNT(DISTINCT card) AS people, MIN(amount) AS low, MAX(amount) AS high, "
        "COUNT(*) FILTER (WHERE amount > 100) AS `large`, FIRST_VALUE(n) AS `first`, LAST_VALUE(n) AS `last` "
        "FROM payments GROUP BY card",
    ),
    (
        "Aggregate, expressions over it and HAVING",
        lambda p, c: p.group_by(col.card).agg(mean=fn.sum(col.amount) / fn.count(), n=fn.count()).filter(col.n > 3),
        "SELECT * FROM (SELECT card, SUM(amount) / COUNT(*) AS mean, COUNT(*) AS n FROM payments GROUP BY card) WHERE n > 3",
    ),
    (
        "Aggregate, by an expression",
        lambda p, c: p.group_by(low=fn.lower(col.card)).agg(n=fn.count()),
        "SELECT LOWER(card) AS low, COUNT(*) AS n FROM payments GROUP BY LOWER(card)",
    ),
    ("Aggregate, distinct", lambda p, c: p.select("card").distinct(), "SELECT DISTINCT card FROM payments"),
    (
        "Union",
        lambda p, c: p.select(col.card, col.n).union(c.select(col.card, col.cap)),
        "SELECT card, n FROM payments UNION ALL SELECT card, cap FROM cards",
    ),
    (
        "Window and Aggregate, cumulating",
        lambda p, c: p.cumulate("1 h", "10 min").group_by("card").agg(n=fn.count()),
        f"SELECT card, {WINDOW}, COUNT(*) AS n FROM TABLE(CUMULATE(TABLE payments, DESCRIPTOR(`at`), INTERVAL '10' MINUTE, "
        f"INTERVAL '1' HOUR)) GROUP BY card, {WINDOW}",
    ),
    (
        "Window and Aggregate, sessions",
        lambda p, c: p.session("10 min").group_by("card").agg(n=fn.count()),
        f"SELECT card, {WINDOW}, COUNT(*) AS n FROM TABLE(SESSION(TABLE payments PARTITION BY card, DESCRIPTOR(`at`), "
        f"INTERVAL '10' MINUTE)) GROUP BY card, {WINDOW}",
    ),
    (
        "Join, by a column of both",
        lambda p, c: p.join(c, "card"),
        "SELECT card, amount, n, ok, `at`, cap FROM payments JOIN cards USING (card)",
    ),
    (
        "Join, by a condition",
        lambda p, c: p.join(c, (left.card == right.card) & (col.amount > col.cap), how="left"),
        "SELECT * FROM payments AS p LEFT JOIN cards AS c ON p.card = c.card AND amount > cap",
    ),
    (
        "Join, every pair",
        lambda p, c: p.join(c, how="cross"),
        "SELECT * FROM payments CROSS JOIN cards",
    ),
    (
        "Join, the right side's key",
        lambda p, c: p.join(c, "card", how="right"),
        "SELECT c.card, amount, n, ok, `at`, cap FROM payments AS p RIGHT JOIN cards AS c ON p.card = c.card",
    ),
    (
        "Join, either side's key",
        lambda p, c: p.join(c, "card", how="full"),
        "SELECT COALESCE(p.card, c.card) AS card, amount, n, ok, `at`, cap FROM payments AS p FULL JOIN cards AS c "
        "ON p.card = c.card",
    ),
    (
        "Join, of an interval",
        lambda p, c: p.join(p.app.stream("orders"), "card", within=("-5 min", "1 h")),
        "SELECT p.*, item, `when` FROM payments AS p JOIN orders AS o ON p.card = o.card "
        "AND `when` BETWEEN `at` - INTERVAL '5' MINUTE AND `at` + INTERVAL '1' HOUR",
    ),
    (
        "Join, of an interval, to both sides",
        lambda p, c: p.join(p.app.stream("orders"), "card", how="left", within="30s"),
        "SELECT p.*, item, `when` FROM payments AS p LEFT JOIN orders AS o ON p.card = o.card "
        "AND `at` >= `when` - INTERVAL '30' SECOND AND `at` <= `when` + INTERVAL '30' SECOND",
    ),
    (
        "Join, of windows",
        lambda p, c: p.tumble("1 min").join(
            p.app.stream("orders").tumble("1 min"), ["window_start", "window_end", "card"]
        ).select("card", "amount", "item", "window_end"),
        f"SELECT p.card, amount, item, p.window_end FROM (SELECT * {TUMBLE}) AS p JOIN (SELECT * {ORDERS}) AS o "
        "ON p.window_start = o.window_start AND p.window_end = o.window_end AND p.card = o.card",
    ),
    (
        "AsOf, by event time",
        lambda p, c: p.join(p.app.stream("rates"), "card", as_of="at", how="left"),
        "SELECT p.*, rate, since FROM payments AS p LEFT JOIN rates FOR SYSTEM_TIME AS OF p.`at` AS r ON p.card = r.card",
    ),
    (
        "AsOf, by the clock",
        lambda p, c: p.join(c, left.card == right.card, as_of=now),
        "SELECT * FROM payments AS p JOIN cards FOR SYSTEM_TIME AS OF PROCTIME() AS c ON p.card = c.card",
    ),
    (
        "Top, with its rank",
        lambda p, c: p.top(3, by=col.card, order=col.amount.desc(), rank="place"),
        "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY card ORDER BY amount DESC) AS place FROM payments) "
        "WHERE place <= 3",
    ),
    (
        "Top, by expressions and several columns",
        lambda p, c: p.top(2, by=fn.lower(col.card), order=[col.ok, (col.amount * 2).desc()]).select("n"),
        "SELECT n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY LOWER(card) ORDER BY ok, amount * 2 DESC) AS place "
        "FROM payments) WHERE place <= 2",
    ),
    (
        "Top, the last of each key",
        lambda p, c: p.last("card"),
        "SELECT card, amount, n, ok, `at` FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY card ORDER BY `at` DESC) AS r "
        "FROM payments) WHERE r = 1",
    ),
    (
        "Top, the first of each key",
        lambda p, c: p.first(["card", "ok"], order=col.n),
        "SELECT card, amount, n, ok, `at` FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY card, ok ORDER BY n) AS r "
        "FROM payments) WHERE r = 1",
    ),
    (
        "Top, of windows",
        lambda p, c: p.tumble("1 min").group_by("card").agg(s=fn.sum(col.amount)).top(
            3, by=["window_start", "window_end"], order=col.s.desc(), rank="r"
        ),
        f"SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY s DESC) AS r FROM ("
        f"SELECT card, {WINDOW}, SUM(amount) AS s {TUMBLE} GROUP BY card, {WINDOW})) WHERE r <= 3",
    ),
    (
        "Over, by rows",
        lambda p, c: p.over("card", rows=10, total=fn.sum(col.amount), most=fn.max(col.amount)),
        "SELECT *, SUM(amount) OVER w AS total, MAX(amount) OVER w AS most FROM payments".replace(
            "OVER w", "OVER (PARTITION BY card ORDER BY `at` ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)"
        ),
    ),
    (
        "Over, by time",
        lambda p, c: p.over(time="1 h", before=fn.count()),
        "SELECT *, COUNT(*) OVER (ORDER BY `at` RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS before "
        "FROM payments",
    ),
    (
        "Over, values of rows before",
        lambda p, c: p.over("card", was=fn.lag(col.amount), two=fn.lag(col.n * 2, 2, -1), seen=fn.count()),
        "SELECT *, LAG(amount) OVER w AS was, LAG(n * 2, 2, -1) OVER w AS two, COUNT(*) OVER w AS seen FROM payments "
        "WINDOW w AS (PARTITION BY card ORDER BY `at`)",
    ),
    (
        "Over, by the clock",
        lambda p, c: p.over("card", rows=2, order=now, total=fn.sum(col.amount)).select("card", "total"),
        "SELECT card, SUM(amount) OVER (PARTITION BY card ORDER BY PROCTIME() ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS total "
        "FROM payments",
    ),
    ("Over, all", lambda p, c: p.over(before=fn.count()), "SELECT *, COUNT(*) OVER (ORDER BY `at`) AS before FROM payments"),
    (
        "Join, rows with a match",
        lambda p, c: p.join(c, "card", how="semi"),
        "SELECT * FROM payments AS p WHERE EXISTS (SELECT * FROM cards AS c WHERE p.card = c.card)",
    ),
    (
        "Join, rows without one",
        lambda p, c: p.join(c, left.card == right.card, how="anti"),
        "SELECT * FROM payments AS p WHERE NOT EXISTS (SELECT * FROM cards AS c WHERE p.card = c.card)",
    ),
]  # fmt: skip


def plan_in_python(build: Build) -> tuple[App, Plan]:
    app = App("shop")
    payments = app.topic(
        "payments",
        {"card": str, "amount": float, "n": "INT", "ok": bool, "at": datetime},
        event_time="at",
        late="5s",
    )
    cards = app.table("cards", {"card": str, "cap": float}, key="card")
    app.topic("orders", {"card": str, "item": str, "when": datetime}, event_time="when")
    app.table("rates", {"card": str, "rate": float, "since": datetime}, key="card", event_time="since")
    stream = build(payments, cards)
    columns = ", ".join(f"`{c.name}` {c.kind}" for c in stream.schema)
    app.sql(f"CREATE TABLE `result` ({columns}) WITH ('connector' = 'print')")
    stream.to("result")
    return app, app.plan()


@pytest.mark.parametrize(("build", "query"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_python_and_sql_build_the_same_plan(build: Build, query: str) -> None:
    app, plan = plan_in_python(build)
    columns = ", ".join(f"`{c.name}` {c.kind}" for c in app.catalog.tables["result"].schema)
    other = parse(
        f"{TABLES} CREATE TABLE `result` ({columns}) WITH ('connector' = 'print'); INSERT INTO `result` {query}"
    )
    assert explain(plan) == explain(other)
    assert plan.sinks == other.sinks
    assert {table.name: table for table in plan.tables} == {table.name: table for table in other.tables}


def test_every_plan_node_is_among_the_cases() -> None:
    kinds = {
        type(node).__name__
        for _, build, _ in CASES
        for node in walk(plan_in_python(build)[1].sinks[0].source)
    }
    assert kinds == {
        "Scan", "Filter", "Project", "Window", "Aggregate", "Union", "Join", "AsOf", "Top", "Over",
    }  # fmt: skip


def test_the_readme_example_is_the_same_plan_as_its_sql() -> None:
    app = App("shop")
    payments = app.topic(
        "payments", {"card": str, "amount": float, "at": datetime}, event_time="at", late="5s"
    )
    payments.filter(col.amount > 100).select(col.card, eur=col.amount * 0.92).to("large")
    minute = payments.tumble("1 min").group_by(col.card).agg(n=fn.count(), spent=fn.sum(col.amount))
    app.live("risky", minute.filter((col.spent > 500) & (col.n >= 3)), key="card")
    app.sql(
        "CREATE TABLE alerts (card STRING, why STRING) WITH ('connector' = 'kafka', 'topic' = 'alerts', 'format' = 'json')"
    )
    app.sql("INSERT INTO alerts SELECT card, 'over cap' FROM risky")
    window = ", ".join(f"{name} TIMESTAMP(3)" for name in WINDOW.split(", "))
    other = parse(f"""
        CREATE TABLE payments (card STRING, amount DOUBLE, `at` TIMESTAMP(3),
          WATERMARK FOR `at` AS `at` - INTERVAL '5' SECOND) WITH ({KAFKA}, 'topic' = 'payments');
        CREATE TABLE `large` (card STRING, eur DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'large', 'format' = 'json');
        CREATE TABLE risky (card STRING, {window}, n BIGINT, spent DOUBLE, PRIMARY KEY (card) NOT ENFORCED)
          WITH ({UPSERT}, 'topic' = 'risky');
        CREATE TABLE alerts (card STRING, why STRING) WITH ('connector' = 'kafka', 'topic' = 'alerts', 'format' = 'json');
        CREATE VIEW v AS SELECT * FROM (
          SELECT card, {WINDOW}, COUNT(*) AS n, SUM(amount) AS spent {TUMBLE} GROUP BY card, {WINDOW}
        ) WHERE spent > 500 AND n >= 3;
        EXECUTE STATEMENT SET BEGIN
          INSERT INTO `large` SELECT card, amount * 0.92 AS eur FROM payments WHERE amount > 100;
          INSERT INTO risky SELECT * FROM v;
          INSERT INTO alerts SELECT card, 'over cap' FROM v;
        END;
    """)
    assert explain(app.plan()) == explain(other)
    assert app.plan() == other
