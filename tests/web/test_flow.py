"""The flow: nodes, arrows, rates, and each trouble with its remedy."""

import time
from typing import Any

import pytest

from penstock.calls import GroupMember
from penstock.record import Record
from penstock.web.follow.series import Levels, Series
from tests.web.site import World, now_ms, row, until

pytestmark = pytest.mark.anyio


async def flow(here: World) -> dict[str, Any]:
    here.site.ticker.tick()
    found: dict[str, Any] = await here.get("/api/flow")
    return found


def nodes(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["id"]: node for node in found["nodes"]}


def arrows(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(edge["from"], edge["to"]) for edge in found["edges"]}


async def run_machine(here: World, **more: Any) -> None:
    """The demo: source → readings → machine → cores, with a dead-letter topic and a group that reads."""
    await here.client.create_topic("readings", 2)
    await here.client.create_topic("readings.dlq", 1)
    await here.table("cores")
    await here.report("this computer", "source", topic="readings", rows=100)
    machine = {
        "file": "pipelines/machine.sql",
        "inputs": [{"table": "readings", "topic": "readings", "rows": 10, "lag": 4, "dead_letters": 0}],
        "outputs": [{"table": "cores", "topic": "cores", "connector": "upsert-kafka", "rows": 3}],
    }
    await here.report("machine", **(machine | more))
    await until(
        lambda: "machine" in here.site.watch.jobs.jobs and "readings" in here.site.watch.topics.topics
    )


async def test_the_whole_stack_is_one_graph(here: World) -> None:
    await run_machine(here)
    here.client.commits["billing"] = {("readings", 0): 0, ("cores", 0): 0}
    here.client.members["billing"] = [GroupMember("m", None, b"", b"", "c", "/127.0.0.1")]
    here.client.put("readings", 0, [Record(None, b"x", 0)] * 9)
    await here.site.watch.topics.poll()
    await here.site.watch.groups.poll()
    found = await flow(here)
    there = nodes(found)
    assert there.keys() == {
        "source:this computer", "topic:readings", "topic:readings.dlq", "pipeline:machine", "pipeline:writes_cores",
        "table:cores", "client:billing",
    }  # fmt: skip
    assert {
        ("source:this computer", "topic:readings"), ("topic:readings", "pipeline:machine"), ("pipeline:machine", "table:cores"),
        ("topic:readings", "client:billing"), ("table:cores", "client:billing"),
    } <= arrows(found)  # fmt: skip
    assert there["pipeline:machine"]["lag"] == 4
    assert there["client:billing"]["lag"] == 9
    assert there["client:billing"]["detail"] == "stable, 1 member"
    assert found["troubles"] == []


async def test_the_systems_own_topics_are_not_part_of_the_picture(here: World) -> None:
    for name in ("_penstock.state.machine", "__consumer_offsets"):
        await here.client.create_topic(name, 1)
    await run_machine(here)
    assert not [node for node in nodes(await flow(here)) if "_penstock" in node or "__" in node]


async def test_rows_made_by_datagen_are_a_source(here: World) -> None:
    await here.report("gen", inputs=[{"table": "orders", "connector": "datagen", "rows": 5}])
    await until(lambda: "gen" in here.site.watch.jobs.jobs)
    found = await flow(here)
    assert nodes(found)["source:gen/orders"]["kind"] == "source"
    assert ("source:gen/orders", "pipeline:gen") in arrows(found)


async def test_rates_and_points_come_from_totals(here: World) -> None:
    await run_machine(here)
    base_ms = now_ms()
    for second in range(1, 6):
        inputs = [{"table": "readings", "topic": "readings", "rows": 10 + 40 * second}]
        outputs = [{"table": "cores", "topic": "cores", "connector": "upsert-kafka", "rows": 3 + second}]
        await here.report("machine", inputs=inputs, outputs=outputs, at_ms=base_ms + second * 1000)
    await until(lambda: len(here.site.watch.jobs.jobs["machine"].rows_in.points) >= 5)
    found = await flow(here)
    node = nodes(found)["pipeline:machine"]
    assert node["rate"] == pytest.approx(40, rel=0.01)
    assert node["status"] == "ok"
    assert node["spark"][-4:] == pytest.approx([40] * 4)
    rates = {(edge["from"], edge["to"]): edge["rate"] for edge in found["edges"]}
    assert rates[("topic:readings", "pipeline:machine")] == pytest.approx(40, rel=0.01)
    assert rates[("pipeline:machine", "table:cores")] == pytest.approx(1, rel=0.01)
    (job,) = [j for j in await here.get("/api/pipelines") if j["name"] == "machine"]
    assert (job["rate_in"], job["rate_out"]) == (pytest.approx(40, rel=0.01), pytest.approx(1, rel=0.01))


async def test_a_failed_pipeline_is_told_with_its_line_and_column(here: World) -> None:
    error = {
        "message": "no column 'reeding'",
        "remedy": "did you mean reading?",
        "place": "machine.sql",
        "line": 3,
        "column": 14,
    }
    await run_machine(here, state="failed", error=error, since_ms=1234)
    found = await flow(here)
    assert nodes(found)["pipeline:machine"]["status"] == "error"
    (trouble,) = found["troubles"]
    assert trouble == {
        "at_ms": 1234, "level": "error", "node": "pipeline:machine", "message": "machine: no column 'reeding'",
        "remedy": "did you mean reading?", "line": 3, "column": 14,
    }  # fmt: skip
    assert (await here.get("/api/pipelines/machine"))["error"]["line"] == 3


async def test_a_worker_not_heard_from_is_stale(here: World) -> None:
    await run_machine(here, at_ms=now_ms() - 6_000)
    found = await flow(here)
    assert nodes(found)["pipeline:machine"]["status"] == "stale"
    assert [(t["level"], t["node"]) for t in found["troubles"]] == [("warn", "pipeline:machine")]
    assert "not been heard from" in found["troubles"][0]["message"]


async def test_dead_letters_are_told_while_they_come(here: World) -> None:
    await run_machine(here)
    for letters in (0, 3):
        inputs = [{"table": "readings", "topic": "readings", "rows": 10, "dead_letters": letters}]
        await here.report("machine", inputs=inputs)
    await until(lambda: here.site.watch.jobs.jobs["machine"].dead.grown == 3)
    found = await flow(here)
    (trouble,) = found["troubles"]
    assert "readings.dlq" in trouble["remedy"] and trouble["level"] == "warn"
    assert ("pipeline:machine", "topic:readings.dlq") in arrows(found)
    for _ in range(60):
        await here.report("machine", inputs=[{"table": "readings", "topic": "readings", "dead_letters": 3}])
    await until(lambda: here.site.watch.jobs.jobs["machine"].dead.grown == 0)
    assert (await flow(here))["troubles"] == []


async def test_a_queue_that_tasks_take_from_is_drawn_and_calls_that_were_given_up_are_told(
    here: World,
) -> None:
    for dead in (0, 2):
        queue = {"table": "emails", "connector": "amqp", "rows": 10 * dead, "dead_letters": dead, "lag": 7}
        task = {"name": "welcome", "queue": "emails", "dead_letter": "emails.dead", "dead_letters": dead}
        await here.report("shop", inputs=[queue], tasks=[task])
    jobs = here.site.watch.jobs.jobs
    await until(lambda: "shop" in jobs and jobs["shop"].dead.grown == 2)
    found = await flow(here)
    node = nodes(found)["queue:emails"]
    assert (node["kind"], node["label"], node["lag"], node["detail"]) == (
        "source",
        "emails",
        7,
        "queue, 7 calls wait",
    )
    assert ("queue:emails", "pipeline:shop") in arrows(found)
    await here.report("shop", inputs=[queue | {"vhost": "b/o"}], tasks=[task])
    await until(lambda: jobs["shop"].report.inputs[0].vhost == "b/o")
    found = await flow(here)
    assert ("queue@b%2Fo:emails", "pipeline:shop") in arrows(found)
    (trouble,) = found["troubles"]
    assert "put 2 records aside" in trouble["message"] and "the queue emails.dead" in trouble["remedy"]


async def test_a_lag_that_grows_is_told_and_one_that_stays_is_not(here: World) -> None:
    await run_machine(here)
    job = here.site.watch.jobs.jobs["machine"]
    for lag in [5000] * 15:
        job.lag.read(lag)
    assert (await flow(here))["troubles"] == []
    for lag in range(5000, 20000, 1000):
        job.lag.read(lag)
    (trouble,) = (await flow(here))["troubles"]
    assert "falls behind" in trouble["message"]


async def test_little_room_on_the_disk_is_told(here: World) -> None:
    here.site.watch.disk_free_bytes = 500 * 1024**2
    (trouble,) = (await flow(here))["troubles"]
    assert (trouble["level"], "500 MB" in trouble["message"]) == ("warn", True)
    here.site.watch.disk_free_bytes = 1024**2
    assert (await flow(here))["troubles"][0]["level"] == "error"


async def test_a_trouble_keeps_the_time_it_was_first_seen(here: World) -> None:
    here.site.watch.disk_free_bytes = 1024**2
    first = (await flow(here))["troubles"][0]["at_ms"]
    time.sleep(0.02)
    assert (await flow(here))["troubles"][0]["at_ms"] == first


async def test_reports_that_make_no_sense_are_passed_over(here: World) -> None:
    bad = [
        b"",
        b"{",
        b"[]",
        b'{"name": 5}',
        b'{"name": "x", "inputs": 7}',
        b"\xff",
        b"[" * 9999,
        b'{"inputs": [{}]}',
    ]
    await here.client.produce("_penstock.workers", [Record(b"job/x", value, 0) for value in bad], 0)
    await here.client.produce(
        "_penstock.workers", [Record(None, b"{}", 0), Record(b"\xff/x", b"{}", 0), Record(b"job", None, 0)], 0
    )
    await run_machine(here)
    assert "x" not in here.site.watch.jobs.jobs
    assert nodes(await flow(here))["pipeline:machine"]


async def test_the_brokers_silence_is_a_trouble(here: World) -> None:
    here.client.away = True
    here.site.watch.started_ms -= 60_000
    here.site.watch.topics.seen_ms = now_ms() - 60_000
    (trouble,) = (await flow(here))["troubles"]
    assert (trouble["level"], trouble["message"]) == ("error", "the broker does not answer")


async def test_a_pipeline_tells_each_operators_rate_and_how_busy_it_is(here: World) -> None:
    at_ms = now_ms() - 3000
    for second in range(4):
        operators = [
            {"name": "scan", "rows_in": 100 * second, "rows_out": 100 * second, "busy_s": 0.25 * second},
            {"name": "filter", "inputs": [0], "rows_in": 100 * second, "rows_out": 10 * second, "busy_s": 5.0 * second,
             "detail": "Filter a > 1", "state_bytes": 7},
        ]  # fmt: skip
        outputs = [{"table": "out", "rows": 10 * second, "operator": 1, "busy_s": 0.01 * second}]
        await here.report("p", at_ms=at_ms + 1000 * second, operators=operators, outputs=outputs)
    await until(
        lambda: (
            len(here.site.watch.jobs.jobs["p"].rows_in.points) == 3
            if "p" in here.site.watch.jobs.jobs
            else False
        )
    )
    told = await here.get("/api/pipelines/p")
    scan, filter_ = told["operators"]
    assert (scan["rate_in"], scan["rate_out"], scan["busy"]) == (100, 100, 0.25)
    assert (filter_["rate_in"], filter_["rate_out"], filter_["busy"]) == (100, 10, 1), (
        "never more than always"
    )
    assert (filter_["detail"], filter_["state_bytes"], filter_["inputs"]) == ("Filter a > 1", 7, [0])
    assert (told["outputs"][0]["busy"], told["outputs"][0]["operator"]) == (0.01, 1)


async def test_pipelines_and_groups_that_are_not_there_say_which_are(here: World) -> None:
    await run_machine(here)
    assert "machine" in (await here.get("/api/pipelines/nope", 404))["remedy"]
    await here.get("/api/groups/nope", 404)


async def test_a_groups_members_positions_and_lag_are_shown(here: World) -> None:
    await here.client.create_topic("t", 1)
    here.client.put("t", 0, [row("a", 1)] * 10)
    here.client.commits["g"] = {("t", 0): 4, ("gone", 0): 1}
    here.client.members["g"] = [GroupMember("m-1", "static", b"", b"", "app", "/127.0.0.1")]
    await here.site.watch.topics.poll()
    await here.site.watch.groups.poll()
    (group,) = await here.get("/api/groups")
    assert group["members"] == [
        {"member_id": "m-1", "instance_id": "static", "client_id": "app", "host": "/127.0.0.1"}
    ]
    assert group["offsets"] == [
        {"topic": "gone", "partition": 0, "offset": 1, "end": None, "lag": None},
        {"topic": "t", "partition": 0, "offset": 4, "end": 10, "lag": 6},
    ]
    assert (await here.get("/api/groups/g"))["lag"] == 6
    assert (await here.get("/api/topics/t"))["groups"] == [{"group": "g", "state": "Stable", "lag": 6}]


def test_a_total_that_shrinks_begins_anew_and_sixty_points_are_kept() -> None:
    series = Series()
    for second in range(100):
        series.read(10 * second if second != 50 else 0, 1000 * second)
    assert len(series.spark) == 60
    assert min(series.points) == 0
    assert series.rate == pytest.approx(10)
    levels = Levels()
    assert (levels.rising, levels.grown) == (False, 0)
