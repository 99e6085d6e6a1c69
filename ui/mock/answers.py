"""The JSON the API answers with, rendered from the simulated world. Knows the shapes of the HTTP API; knows no server."""

from typing import Any

from world import MACHINE_SQL, Topic, World

DELIVERED_LAG = 3


def mean_of_last(rates: Any, seconds: int = 5) -> float:
    last = list(rates)[-seconds:]
    return round(sum(last) / len(last), 2) if last else 0.0


def flow(world: World) -> dict[str, Any]:
    """Nodes, edges and troubles of the whole."""
    topic, table = world.topics, world.tables
    rates = {name: mean_of_last(t.rates) for name, t in topic.items()}
    failed = world.trouble

    def node(ident: str, label: str, rate: float, spark: Any, **more: Any) -> dict[str, Any]:
        kind = ident.split(":", maxsplit=1)[0]
        shape = {
            "id": ident,
            "kind": kind,
            "label": label,
            "status": "ok",
            "rate": rate,
            "lag": 0,
            "detail": "",
        }
        return {**shape, "spark": list(spark), **more}

    readings = topic["readings"]
    nodes = [
        node("source:this computer", "this computer", rates["readings"], readings.rates, detail="11 sensors, ten times a second"),
        node("topic:readings", "readings", rates["readings"], readings.rates, detail="1 partition"),
        node("topic:orders", "orders", rates["orders"], topic["orders"].rates, detail="6 partitions"),
        node("topic:empty", "empty", 0, [0] * len(readings.rates), status="idle", detail="1 partition"),
        node("pipeline:machine", "machine", rates["readings"], readings.rates, lag=DELIVERED_LAG, detail="3 statements"),
        node("pipeline:revenue", "revenue", 0 if failed else rates["orders"], [0] * 60 if failed else topic["orders"].rates,
             status="error" if failed else "ok", lag=18_402 if failed else 0, detail="failed at line 15"),
    ]  # fmt: skip
    for name, part in table.items():
        status = "ok" if part.at_ms > world.now_ms - 5000 else "idle"
        nodes.append(node(f"table:{name}", name, mean_of_last(part.rates), part.rates, status=status,
                          detail=f"{len(part.rows)} rows"))  # fmt: skip
    nodes.append(
        node("client:dashboard", "dashboard", rates["alerts"], topic["alerts"].rates, detail="2 browsers")
    )
    nodes.append(node("client:billing", "billing", rates["orders"], topic["orders"].rates, status="warn", lag=1240,
                      detail="consumer group, 2 members"))  # fmt: skip
    pairs = [
        ("source:this computer", "topic:readings", rates["readings"]), ("topic:readings", "pipeline:machine", rates["readings"]),
        ("pipeline:machine", "table:machine_now", rates["machine_now"]), ("pipeline:machine", "table:machine_band", rates["machine_band"]),
        ("pipeline:machine", "table:alerts", rates["alerts"]), ("table:alerts", "client:dashboard", rates["alerts"]),
        ("topic:orders", "pipeline:revenue", 0 if failed else rates["orders"]), ("topic:orders", "client:billing", rates["orders"]),
    ]  # fmt: skip
    edges = [{"from": a, "to": b, "rate": rate} for a, b, rate in pairs]
    return {"at_ms": world.now_ms, "nodes": nodes, "edges": edges, "troubles": troubles(world)}


def troubles(world: World) -> list[dict[str, Any]]:
    if not world.trouble:
        return []
    return [
        {"at_ms": world.now_ms - 9_000, "level": "warn", "node": "client:billing", "line": None, "column": None,
         "message": "The group billing is 1 240 records behind on orders and falling further.",
         "remedy": "Start another member of the group, or look at what slows the two that run."},
        {"at_ms": world.failed_at_ms, "level": "error", "node": "pipeline:revenue", "line": 15, "column": 81,
         "message": "There is no column sensr in n: did you mean sensor?",
         "remedy": "Write n.sensor in line 15 and save; the pipeline starts by itself."},
    ]  # fmt: skip


def topic_row(topic: Topic) -> dict[str, Any]:
    return {"name": topic.name, "partitions": topic.partitions, "records": sum(topic.ends), "bytes": topic.bytes,
            "rate": mean_of_last(topic.rates), "internal": topic.internal}  # fmt: skip


def topic_page(world: World, topic: Topic) -> dict[str, Any]:
    partitions = [
        {"partition": i, "start": max(0, end - 5000), "end": end} for i, end in enumerate(topic.ends)
    ]
    groups = [{"group": g["group"], "state": g["state"], "lag": sum(o["lag"] for o in g["offsets"] if o["topic"] == topic.name)}
              for g in group_rows(world) if any(o["topic"] == topic.name for o in g["offsets"])]  # fmt: skip
    return {**topic_row(topic), "configs": topic.configs, "partitions": partitions, "groups": groups}


def group_rows(world: World) -> list[dict[str, Any]]:
    def offsets(name: str, lag: int) -> list[dict[str, Any]]:
        ends = world.topics[name].ends
        return [{"topic": name, "partition": i, "offset": max(0, end - lag), "end": end, "lag": min(lag, end)}
                for i, end in enumerate(ends)]  # fmt: skip

    member = {"member_id": "rdkafka-5a1c", "client_id": "billing-1", "host": "127.0.0.1"}
    rows = []
    if "orders" in world.topics:
        rows.append({"group": "billing", "state": "Stable", "members": [member, {**member, "member_id": "rdkafka-77fe", "client_id": "billing-2"}],
                     "offsets": offsets("orders", 206)})  # fmt: skip
    rows.append(
        {
            "group": "penstock.machine",
            "state": "Empty",
            "members": [],
            "offsets": offsets("readings", DELIVERED_LAG),
        }
    )
    return rows


WRITERS = (2, 4, 6)


def operators(world: World, sent: int, made: dict[str, int]) -> list[dict[str, Any]]:
    """The machine's pipeline: one scan, two windows, and a join of what they give."""
    rate = mean_of_last(world.topics["readings"].rates)
    now, band, alerts = (mean_of_last(world.topics[name].rates) for name in made)

    def one(
        name: str, detail: str, inputs: list[int], rates: tuple[float, float], busy: float, **more: Any
    ) -> dict[str, Any]:
        known = {"name": name, "detail": detail, "inputs": inputs, "source": -1, "rows_in": sent, "rows_out": sent, "batches": sent // 10,
                 "busy_s": 60 * busy, "state_rows": 0, "state_bytes": 0, "late_rows": 0, "watermark_ms": world.now_ms - 400}  # fmt: skip
        return {**known, "rate_in": rates[0], "rate_out": rates[1], "busy": busy, **more}

    window = "Window TUMBLE at 1 s → Aggregate windowed by (sensor, window_start, window_end): mean DOUBLE = AVG(`reading`)"
    return [
        one("scan", "Scan readings event time at, 300 ms late", [], (rate, rate), 0.041, source=0),
        one("window aggregate", window, [0], (rate, now), 0.012, state_rows=11, state_bytes=9_216),
        one("project", "Project sensor, unit, mean, low, high, n, window_end", [1], (now, now), 0.001, rows_out=made["machine_now"]),
        one("window aggregate", window.replace("TUMBLE at 1 s", "HOP at 30 s every 1 s"), [0], (rate, band), 0.87, state_rows=341,
            state_bytes=2_410_000, late_rows=17 if world.trouble else 0),
        one("project", "Project sensor, mean, low, high, window_end", [3], (band, band), 0.001),
        one("interval join", "Join INNER on (sensor = sensor0) within window_end - window_end0 from 0 ms to 1 s", [2, 4], (now + band, alerts),
            0.022, state_rows=22, state_bytes=41_000),
        one("filter → project", "Filter `mean` > `high` → Project sensor, mean, high, window_end", [5], (alerts, alerts), 0.0),
    ]  # fmt: skip


EXPLAINED = {
    "written": "Sink machine_now [upsert-kafka] key (sensor)\n  Aggregate windowed by (sensor, window_start, window_end)\n    Window TUMBLE at 1 s\n      Scan readings\n",
    "running": "Sink machine_now [upsert-kafka machine_now] key (sensor)\n  window aggregate: Window TUMBLE at 1 s → Aggregate windowed by (sensor, window_start, window_end)\n"
    "    scan readings [kafka readings], decodes json: sensor STRING, unit STRING, reading DOUBLE, at TIMESTAMP(3); 4 of 5 columns\n",
}


MAILING = """from penstock import App, Retry

app = App("emails")


@app.task(queue="emails", retry=Retry("5s", "1m", dead_letter="emails.dlq"))
async def welcome(user: str) -> None:
    ...
"""


def pipelines(world: World) -> list[dict[str, Any]]:
    sent = world.topics["readings"].ends[0]
    made = {name: world.topics[name].ends[0] for name in world.tables}
    tables = [{"name": t.name, "topic": t.name, "connector": "upsert-kafka", "columns": t.columns, "key": t.key}
              for t in world.tables.values()]  # fmt: skip
    blank = {
        "kind": "job",
        "worker": "w0",
        "pid": 4711,
        "restarts": 0,
        "since_ms": world.started_ms,
        "at_ms": world.now_ms,
        "error": None,
    }
    machine = {
        **blank, "name": "machine", "state": "running", "file": "pipelines/machine.sql", "sql": MACHINE_SQL.rsplit("\nINSERT", 1)[0] + "\n",
        "rate_in": mean_of_last(world.topics["readings"].rates), "rate_out": mean_of_last(world.topics["machine_now"].rates) * 2,
        "inputs": [{"table": "readings", "connector": "kafka", "topic": "readings", "rows": sent, "dead_letters": 0, "lag": DELIVERED_LAG, "watermark_ms": world.now_ms - 400}],
        "outputs": [{"table": n, "connector": "upsert-kafka", "topic": n, "rows": made[n], "rate": mean_of_last(world.topics[n].rates),
                     "operator": at, "busy": 0.004, "busy_s": 1.2} for n, at in zip(made, WRITERS, strict=True)], "tables": tables,
        "operators": operators(world, sent, made), "commit": {"commits": 812, "seconds": 1.9, "interval_s": 0.012,
                                                              "snapshots": 9, "snapshot_bytes": 48_213, "snapshot_s": 0.006},
    }  # fmt: skip
    error = {"message": "There is no column sensr in n: did you mean sensor?", "remedy": "Write n.sensor and save; the pipeline starts by itself.",
             "place": "pipelines/revenue.sql", "line": 15, "column": 81}  # fmt: skip
    revenue = {
        **blank, "name": "revenue", "state": "failed", "file": "pipelines/revenue.sql", "sql": MACHINE_SQL, "restarts": world.restarts,
        "since_ms": world.failed_at_ms, "rate_in": 0, "rate_out": 0, "error": error, "operators": [], "tables": [], "outputs": [],
        "inputs": [{"table": "orders", "connector": "kafka", "topic": "orders", "rows": 812, "dead_letters": 2, "lag": 18_402, "watermark_ms": 0}],
    }  # fmt: skip
    return [machine, revenue, mailing(blank)] if world.trouble else [machine, mailing(blank)]


def mailing(blank: dict[str, Any]) -> dict[str, Any]:
    """A file that has tasks alone."""
    welcome = {"name": "emails:welcome", "vhost": "/", "queue": "emails", "dead_letter": "emails.dlq", "result": "", "concurrency": 10,
               "done": 4_811, "retried": 12, "dead_letters": 1, "running": 3, "busy_s": 601.5}  # fmt: skip
    report = {
        **welcome,
        "name": "emails:report",
        "vhost": "back/office",
        "queue": "reports",
        "dead_letter": "reports.dlq",
        "dead_letters": 2,
        "busy_s": 0.2,
    }
    waiting = {"connector": "amqp", "topic": "", "dead_letters": 0, "lag": 42, "watermark_ms": 0}
    return {
        **blank, "name": "emails", "state": "running", "file": "pipelines/emails.py", "sql": MAILING, "rate_in": 8.0, "rate_out": 0,
        "inputs": [{**waiting, "vhost": each["vhost"], "table": each["queue"], "rows": each["done"]} for each in (welcome, report)],
        "outputs": [], "operators": [],
        "tables": [], "tasks": [welcome, report],
    }  # fmt: skip


def table_rows(world: World) -> list[dict[str, Any]]:
    return [{"name": t.name, "topic": t.name, "rows": len(t.rows), "key": t.key, "columns": t.columns,
             "rate": mean_of_last(t.rates), "at_ms": t.at_ms} for t in world.tables.values()]  # fmt: skip
