"""The metrics page, read by Prometheus' own parser."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from penstock.record import Record
from penstock.web.api.metrics.tasks import OUTCOMES
from penstock.web.http.exposition import CONTENT_TYPE, Family, parse_name, write
from tests.web.site import World, now_ms, row, until

pytestmark = pytest.mark.anyio


async def samples(here: World) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await here.http.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def name(text: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"penstock_{text}", frozenset(labels.items())


async def test_the_brokers_measures_the_pipelines_and_the_tables_are_all_there(here: World) -> None:
    await here.client.create_topic("_penstock.metrics", 1)
    measures = {"penstock_appended_bytes_total": 5e9, 'penstock_requests_total{call="Ap\\"pend"}': 7, "odd name": 1,
                "fsync_seconds": 0.004}  # fmt: skip
    value = json.dumps({"at_ms": now_ms(), "measures": measures}).encode()
    await here.client.produce("_penstock.metrics", [Record(b"broker", value, 0)], 0)
    await here.table()
    here.client.put("cores", 0, [row("a", 1), row("b", 1), Record(b"a", b"no json", 0)])
    inputs = [{"table": 'r"\\\n', "rows": 70, "dead_letters": 2, "lag": 5, "watermark_ms": 1_500}]
    await here.report("p", inputs=inputs, outputs=[{"table": "out", "rows": 9}], restarts=3)
    await until(lambda: here.site.watch.measures.broker and "p" in here.site.watch.jobs.jobs)
    feed = here.site.watch.feeds.feeds["cores"]
    await until(lambda: feed.table is not None and feed.table.applied == 3)
    await here.get("/api/nope", 404)
    found = await samples(here)
    assert found[name("appended_bytes_total")] == 5e9
    assert found[name("requests_total", call='Ap"pend')] == 7
    assert found[name("fsync_seconds")] == 0.004
    odd = {"pipeline": "p", "table": 'r"\\\n'}
    assert found[name("pipeline_rows_total", **odd, direction="in")] == 70
    assert found[name("pipeline_dead_letters_total", **odd)] == 2
    assert found[name("pipeline_lag_records", **odd)] == 5
    assert found[name("pipeline_watermark_seconds", **odd)] == 1.5
    assert found[name("pipeline_restarts_total", pipeline="p")] == 3
    assert found[name("pipeline_state", pipeline="p", state="running")] == 1
    assert found[name("table_rows", table="cores")] == 2
    assert found[name("table_damaged_total", table="cores")] == 1
    assert found[name("broker_up")] == 1
    assert found[name("web_sse_clients", stream="table")] == 0
    assert found[name("web_requests_total", method="GET", route="console", status="404")] == 1
    assert name("web_loop_lag_seconds") in found


OPERATORS = [
    {"name": "scan", "source": 0, "rows_in": 70, "rows_out": 70, "batches": 7, "busy_s": 0.5, "watermark_ms": 1_500},
    {"name": "window aggregate", "inputs": [0], "rows_in": 70, "rows_out": 3, "batches": 7, "busy_s": 1.25,
     "state_rows": 4, "state_bytes": 4096, "late_rows": 2, "watermark_ms": None},
]  # fmt: skip


async def test_tasks_are_counted_by_what_became_of_their_calls(here: World) -> None:
    task = {
        "name": "welcome",
        "queue": "emails",
        "done": 5,
        "retried": 2,
        "dead_letters": 1,
        "running": 3,
        "busy_s": 0.5,
    }
    await here.report("shop", tasks=[task])
    await until(lambda: "shop" in here.site.watch.jobs.jobs)
    found = await samples(here)
    labels = {"job": "shop", "task": "welcome", "queue": "emails"}
    outcomes = {outcome: found[name("task_calls_total", **labels, outcome=outcome)] for outcome in OUTCOMES}
    assert outcomes == {"done": 5, "retried": 2, "dead_letters": 1}
    assert found[name("task_running", **labels)] == 3
    assert found[name("task_busy_seconds_total", **labels)] == 0.5


async def test_each_operator_of_a_job_is_measured_and_so_are_its_commits(here: World) -> None:
    commit = {
        "commits": 8,
        "seconds": 0.4,
        "interval_s": 0.05,
        "snapshots": 2,
        "snapshot_bytes": 900,
        "snapshot_s": 0.02,
    }
    inputs = [{"table": "readings", "rows": 70, "watermark_ms": now_ms() - 2_000}]
    await here.report(
        "p", inputs=inputs, operators=OPERATORS, commit=commit, outputs=[{"table": "out", "busy_s": 0.1}]
    )
    await until(lambda: "p" in here.site.watch.jobs.jobs)
    found = await samples(here)
    window = {"job": "p", "operator": "1 window aggregate"}
    assert found[name("job_operator_rows_in_total", job="p", operator="0 scan")] == 70
    assert found[name("job_operator_rows_out_total", **window)] == 3
    assert found[name("job_operator_batches_total", **window)] == 7
    assert found[name("job_operator_busy_seconds_total", **window)] == 1.25
    assert found[name("job_operator_late_rows_total", **window)] == 2
    assert found[name("job_operator_state_rows", **window)] == 4
    assert found[name("job_operator_state_bytes", **window)] == 4096
    assert found[name("job_sink_busy_seconds_total", job="p", sink="out")] == 0.1
    assert 1.9 <= found[name("job_watermark_lag_seconds", job="p", source="readings")] < 5
    assert found[name("job_commits_total", job="p")] == 8
    assert found[name("job_commit_seconds_total", job="p")] == 0.4
    assert found[name("job_commit_interval_seconds", job="p")] == 0.05
    assert found[name("job_snapshots_total", job="p")] == 2
    assert found[name("job_snapshot_bytes", job="p")] == 900
    assert found[name("job_snapshot_seconds", job="p")] == 0.02


async def test_a_job_of_a_thousand_operators_with_endless_names_has_bounded_labels(here: World) -> None:
    await here.report("p", operators=[{"name": "filter → " * 500, "rows_in": 1}] * 1000)
    await until(lambda: "p" in here.site.watch.jobs.jobs)
    labels = [
        dict(labels)["operator"] for (metric, labels) in await samples(here) if "operator_rows_in" in metric
    ]
    assert len(labels) == 200 and max(map(len, labels)) < 50


async def test_a_thousand_strange_paths_make_no_more_series_than_one(here: World) -> None:
    for i in range(30):
        await here.http.get(f"/api/topics/t{i}")
        await here.http.get(f"/page{i}")
        await here.http.request(f"BREW{i}", "/", headers={"content-type": "application/json"})
        await here.http.get(f"/{i}", headers={"host": "evil.example"})
    routes = [
        labels
        for (metric, labels), _ in (await samples(here)).items()
        if metric == "penstock_web_requests_total"
    ]
    assert len(routes) <= 5


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20), st.floats(), max_size=5
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30),
)
def test_what_is_written_is_what_prometheus_reads(values: dict[str, float], meaning: str) -> None:
    family = Family("penstock_x", "gauge", meaning.strip())
    for label, value in values.items():
        family.add(value, label=label)
    read = list(text_string_to_metric_families(write([family]).decode()))
    found = {sample.labels["label"]: sample.value for each in read for sample in each.samples}
    assert found.keys() == values.keys()
    assert all(found[k] == v or (math.isnan(found[k]) and math.isnan(v)) for k, v in values.items())


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a_total", ("a_total", {})),
        ('a{b="c"}', ("a", {"b": "c"})),
        ('a{b="c",d="e\\"\\\\\\n"}', ("a", {"b": "c", "d": 'e"\\\n'})),
        ("a{}", ("a", {})),
        ("", None), ("1a", None), ("a b", None), ("a{b}", None), ('a{b="c}', None), ('a{b="c"} 1\nx', None),
    ],
)  # fmt: skip
def test_a_measures_name_may_carry_labels_and_nothing_else(text: str, parsed: object) -> None:
    assert parse_name(text) == parsed
