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
        "outputs": [{"table": n, "connector": "upsert-kafka", "topic": n, "rows": made[n]} for n in made], "tables": tables,
        "operators": [
            {"name": "decode readings (json)", "rows_in": sent, "rows_out": sent, "state_rows": 0},
            {"name": "tumble 1 s by sensor", "rows_in": sent, "rows_out": made["machine_now"], "state_rows": 11},
            {"name": "hop 30 s / 1 s by sensor", "rows_in": sent, "rows_out": made["machine_band"], "state_rows": 341},
        ],
    }  # fmt: skip
    error = {"message": "There is no column sensr in n: did you mean sensor?", "remedy": "Write n.sensor and save; the pipeline starts by itself.",
             "place": "pipelines/revenue.sql", "line": 15, "column": 81}  # fmt: skip
    revenue = {
        **blank, "name": "revenue", "state": "failed", "file": "pipelines/revenue.sql", "sql": MACHINE_SQL, "restarts": world.restarts,
        "since_ms": world.failed_at_ms, "rate_in": 0, "rate_out": 0, "error": error, "operators": [], "tables": [], "outputs": [],
        "inputs": [{"table": "orders", "connector": "kafka", "topic": "orders", "rows": 812, "dead_letters": 2, "lag": 18_402, "watermark_ms": 0}],
    }  # fmt: skip
    return [machine, revenue] if world.trouble else [machine]


def table_rows(world: World) -> list[dict[str, Any]]:
    return [{"name": t.name, "topic": t.name, "rows": len(t.rows), "key": t.key, "columns": t.columns,
             "rate": mean_of_last(t.rates), "at_ms": t.at_ms} for t in world.tables.values()]  # fmt: skip
