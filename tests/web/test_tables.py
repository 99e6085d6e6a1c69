"""Live tables over HTTP: rows, queries, one row, and what is said when there is nothing to serve."""

from urllib.parse import quote

import pytest

from penstock.record import Record
from penstock.tables.live import TableOptions
from tests.web.site import World, now_ms, row, until, world

pytestmark = pytest.mark.anyio


async def filled(found: World, rows: list[Record], name: str = "cores", **columns: str) -> None:
    await found.table(name, **columns)
    await found.client.produce(name, rows, 0)
    feed = found.site.watch.feeds.feeds[name]
    await until(lambda: feed.table is not None and feed.table.offsets[0] >= len(rows) and feed.ready)


async def test_a_table_is_listed_with_its_columns(anywhere: World) -> None:
    base_ms = now_ms()
    await filled(anywhere, [row("a", 1, base_ms), row("b", 2, base_ms + 1), row("a", 3, base_ms + 2)])
    (table,) = await anywhere.get("/api/tables")
    assert (table["name"], table["topic"], table["rows"], table["key"]) == ("cores", "cores", 2, ["core"])
    assert table["columns"] == [{"name": "core", "kind": "STRING"}, {"name": "load", "kind": "DOUBLE"}]
    assert (table["at_ms"], table["state"]) == (base_ms + 2, "ready")


async def test_rows_are_filtered_ordered_and_paged(anywhere: World) -> None:
    await filled(anywhere, [row(f"c{i:02}", None if i == 5 else i % 7) for i in range(20)])
    answer = await anywhere.get(
        "/api/tables/cores?filter=load:ge:2&filter=core:like:c1%25&order=-load&limit=3"
    )
    assert answer["rows"] == [
        {"core": "c13", "load": 6},
        {"core": "c12", "load": 5},
        {"core": "c19", "load": 5},
    ]
    assert answer["total"] == 8
    assert answer["token"].endswith(".20")
    everything = await anywhere.get("/api/tables/cores?limit=2&offset=4")
    assert [r["core"] for r in everything["rows"]] == ["c04", "c06"]
    assert everything["total"] == 19


async def test_one_row_is_found_by_its_key(here: World) -> None:
    await filled(here, [row(key, 1) for key in ("a", "a,b", "a/b c", "100%", "changed?", "é")])
    for key in ("a", "a,b", "a/b c", "100%", "changed?", "é"):
        found = await here.get(f"/api/tables/cores/{quote(key, safe='')}")
        assert found["row"] == {"core": key, "load": 1}
    await here.get("/api/tables/cores/zz", 404)


async def test_a_row_with_a_key_of_several_columns_is_found_by_all_of_them(here: World) -> None:
    await here.table("t", site="STRING", core="INT", load="DOUBLE")
    await here.report("writes_t", tables=[{
        "name": "t", "topic": "t", "connector": "upsert-kafka", "key": ["site", "core"],
        "columns": [{"name": "site", "kind": "STRING"}, {"name": "core", "kind": "INT"}],
    }])  # fmt: skip
    feed = here.site.watch.feeds.feeds["t"]
    await until(lambda: feed.declared.key == ("site", "core"))
    await here.client.produce("t", [Record(b'{"site":"a,b","core":3}', b'{"site":"a,b","core":3}', 0)], 0)
    await until(lambda: feed.table is not None and feed.table.rows)
    assert (await here.get("/api/tables/t/a%2Cb,3"))["row"] == {"site": "a,b", "core": 3}
    assert "2 columns" in (await here.get("/api/tables/t/a%2Cb", 400))["error"]
    assert "INT" in (await here.get("/api/tables/t/a,three", 400))["error"]


@pytest.mark.parametrize(
    "query",
    ["filter=nope:eq:1", "filter=load", "filter=load:like:x", "order=nope", "limit=10001", "limit=-1", "offset=x",
     "offset=100001", "sort=load", "&".join(["filter=load:eq:1"] * 17), "filter=load:eq:" + "9" * 5000],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_says_why(here: World, query: str) -> None:
    await filled(here, [row("a", 1)])
    answer = await here.get(f"/api/tables/cores?{query}", 400)
    assert answer["error"] and answer["place"]


async def test_an_unknown_table_names_those_there_are(here: World) -> None:
    here.site.watch.started_ms -= 60_000
    assert "none yet" in (await here.get("/api/tables/nope", 404))["remedy"]
    await filled(here, [])
    for path in ("/api/tables/nope", "/api/tables/nope/x", "/api/tables/nope/changes"):
        assert "cores" in (await here.get(path, 404))["remedy"]


async def test_a_table_that_outgrew_its_bounds_is_refused_rather_than_answered_from_a_part() -> None:
    async with world(tables=TableOptions(rows_max=10)) as found:
        await filled(found, [row(i, i) for i in range(11)], core="BIGINT", load="DOUBLE")
        for path in ("/api/tables/cores", "/api/tables/cores/1", "/api/tables/cores/changes"):
            assert "rows_max" in (await found.get(path, 507))["remedy"]
        assert (await found.get("/api/tables"))[0]["state"] == "full"
        found.site.ticker.tick()
        assert [t["node"] for t in (await found.get("/api/flow"))["troubles"]] == ["table:cores"]


async def test_a_broken_edit_does_not_take_the_table_away_but_the_end_of_its_job_does(here: World) -> None:
    await filled(here, [row("a", 1)])
    await here.report(
        "writes_cores", state="failed", error={"message": "no such column", "line": 3, "column": 4}
    )
    await until(lambda: here.site.watch.jobs.jobs["writes_cores"].report.state == "failed")
    assert (await here.get("/api/tables/cores"))["total"] == 1
    await here.client.produce("_penstock.workers", [Record(b"job/writes_cores", None, 0)], 0)
    await until(lambda: not here.site.watch.feeds.feeds)
    here.site.watch.started_ms -= 60_000
    await here.get("/api/tables/cores", 404)


async def test_a_topic_deleted_and_made_again_is_a_new_table(anywhere: World) -> None:
    await filled(anywhere, [row("a", 1), row("b", 2)])
    before = (await anywhere.get("/api/tables/cores"))["token"]
    await anywhere.client.delete_topic("cores")
    await anywhere.client.create_topic("cores", 1)
    await anywhere.client.produce("cores", [row("c", 3)], 0)
    feed = anywhere.site.watch.feeds.feeds["cores"]
    await until(lambda: feed.table is not None and feed.table.word not in before and feed.table.rows, 15)
    after = await anywhere.get("/api/tables/cores")
    assert after["rows"] == [{"core": "c", "load": 3}]
    assert feed.table is not None and feed.table.resume(before) is None


async def test_a_topic_that_grows_is_followed_in_its_new_partitions_too(here: World) -> None:
    await filled(here, [row("a", 1)])
    topic = here.client.topics["cores"]
    topic.partitions.append([])
    topic.starts.append(0)
    topic.ends.append(0)
    here.client.put("cores", 1, [row("z", 9)])
    feed = here.site.watch.feeds.feeds["cores"]
    await until(lambda: feed.table is not None and len(feed.table.rows) == 2)


async def test_records_deleted_under_the_reader_make_it_begin_anew(here: World) -> None:
    await filled(here, [row(i, i) for i in range(5)])
    topic = here.client.topics["cores"]
    topic.partitions[0].clear()
    topic.ends[0] = 50
    topic.starts[0] = 50
    here.client.put("cores", 0, [row("new", 1)])
    feed = here.site.watch.feeds.feeds["cores"]
    await until(lambda: feed.table is not None and b'{"core":"new"}' in feed.table.rows)
