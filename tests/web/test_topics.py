"""Topics and records over HTTP, on a cluster in memory and on a real broker."""

import base64

import pytest

from penstock.client import Client, Transactions
from penstock.record import Record, encode
from tests.web.site import World, now_ms, until

pytestmark = pytest.mark.anyio


async def test_a_topic_is_created_listed_described_and_deleted(anywhere: World) -> None:
    made = await anywhere.send("POST", "/api/topics", {"name": "t", "partitions": 3}, 201)
    assert made == {"name": "t", "partitions": 3}
    (listed,) = [t for t in await anywhere.get("/api/topics") if t["name"] == "t"]
    assert (listed["partitions"], listed["records"], listed["internal"]) == (3, 0, False)
    told = await anywhere.get("/api/topics/t")
    assert [p["partition"] for p in told["partitions"]] == [0, 1, 2]
    assert told["configs"]["cleanup.policy"] == "delete"
    await anywhere.send("DELETE", "/api/topics/t")
    await anywhere.get("/api/topics/t", 404)
    assert "t" not in [t["name"] for t in await anywhere.get("/api/topics")]


async def test_what_is_produced_is_read_back(anywhere: World) -> None:
    await anywhere.client.create_topic("t", 2)
    one = await anywhere.send("POST", "/api/topics/t/records", {"key": "k", "value": "text", "partition": 1})
    assert one == {"offsets": [{"partition": 1, "offset": 0}]}
    many = [
        {"value": {"a": [1, 2.50, "ü"]}, "partition": 1, "headers": {"h": "v", "n": 1}},
        {"key": 7, "value": None, "partition": 1},
        {"key": {"id": 1}, "value": True, "partition": 0},
    ]
    answer = await anywhere.send("POST", "/api/topics/t/records", {"records": many})
    assert answer == {
        "offsets": [
            {"partition": 1, "offset": 1},
            {"partition": 1, "offset": 2},
            {"partition": 0, "offset": 0},
        ]
    }
    read = (await anywhere.get("/api/topics/t/records?partition=1&from=start"))["records"]
    assert [(r["offset"], r["key"], r["value"]) for r in read] == [
        (0, "k", "text"),
        (1, None, '{"a": [1, 2.5, "\\u00fc"]}'),
        (2, "7", None),
    ]
    assert read[1]["headers"] == [["h", "v"], ["n", "1"]]
    everything = (await anywhere.get("/api/topics/t/records"))["records"]
    assert sorted((r["partition"], r["offset"]) for r in everything) == [(0, 0), (1, 0), (1, 1), (1, 2)]


async def test_records_are_shown_from_where_was_asked(anywhere: World) -> None:
    await anywhere.client.create_topic("t", 1)
    start_ms = now_ms() - 100_000
    await anywhere.client.produce(
        "t", [Record(None, str(i).encode(), start_ms + i * 1000) for i in range(100)], 0
    )

    async def values(query: str) -> list[int]:
        return [int(r["value"]) for r in (await anywhere.get(f"/api/topics/t/records?{query}"))["records"]]

    assert await values("limit=3") == [97, 98, 99]
    assert await values("limit=3&from=start") == [0, 1, 2]
    assert await values(f"limit=2&from={start_ms + 41_500}") == [42, 43]
    assert await values(f"from={now_ms() + 1_000_000}") == []
    assert await values("partition=0&offset=98") == [98, 99]
    assert await values("partition=0&offset=1000") == []


@pytest.mark.parametrize("anywhere", ["penstock"], indirect=True)
async def test_readers_of_what_is_committed_set_what_is_shown_unless_all_is_asked_for(
    anywhere: World,
) -> None:
    client: Client = anywhere.client
    await client.create_topic("t", 1)
    path, every = "/api/topics/t/records?limit=2", "isolation=read_uncommitted"

    async def plain(value: bytes) -> None:
        await client.produce("t", [Record(None, value, now_ms())], 0)

    async def write(writer: Transactions, *values: bytes) -> None:
        await writer.enlist([("t", 0)])
        await writer.push("t", 0, encode([Record(None, each, now_ms()) for each in values]))

    async def seen(query: str) -> tuple[list[tuple[str, str]], bool]:
        found = await anywhere.get(f"{path}&{query}")
        return [(r["value"], r["state"]) for r in found["records"]], found["left_out"]

    writer = client.transactions("shown")
    await writer.open()
    await plain(b"a")
    await write(writer, b"b")
    await writer.end()
    committed = [("a", "committed"), ("b", "committed")]
    assert await seen("") == (committed, False) == await seen(every)
    await write(writer, *[b"x%d" % i for i in range(40)])
    await writer.end(commit=False)
    assert await seen("") == (committed, True), "the last ones that are seen, however far back they are"
    assert await seen(every) == ([("x38", "aborted"), ("x39", "aborted")], False)
    assert await seen("partition=0&offset=7") == ([], True)
    assert await seen(f"partition=0&offset=7&{every}") == ([("x4", "aborted"), ("x5", "aborted")], False)
    await write(writer, b"o")
    await plain(b"z")
    assert await seen("") == (committed, True), "who reads what is committed waits for the transaction"
    assert await seen(every) == ([("o", "open"), ("z", "open")], False)
    assert await seen(f"from=start&{every}") == (committed, False)
    await writer.end()
    await writer.close()
    assert await seen("") == ([("o", "committed"), ("z", "committed")], True)
    refused = await anywhere.get(f"{path}&isolation=serializable", 400)
    assert refused["place"] == "isolation"


async def test_bytes_that_are_no_text_come_as_base64_with_the_encoding_told(anywhere: World) -> None:
    await anywhere.client.create_topic("t", 1)
    raw = b"\xff\x00\xfe"
    await anywhere.client.produce("t", [Record(raw, "ä".encode(), now_ms(), (("h", raw), ("e", None)))], 0)
    (shown,) = (await anywhere.get("/api/topics/t/records"))["records"]
    assert base64.b64decode(shown["key"]) == raw
    assert shown["value"] == "ä"
    assert shown["encoding"] == {"key": "base64", "value": "utf8", "headers": ["base64", None]}
    assert shown["headers"] == [["h", base64.b64encode(raw).decode()], ["e", None]]


async def test_an_answer_holds_no_more_than_a_few_megabytes_however_large_the_records(here: World) -> None:
    await here.client.create_topic("t", 1)
    await here.client.produce("t", [Record(None, bytes([65 + i]) * 900_000, i) for i in range(12)], 0)
    found = (await here.get("/api/topics/t/records?limit=12"))["records"]
    assert [r["value"][0] for r in found] == ["I", "J", "K", "L"], "the newest that fit"


async def test_keyed_records_go_where_javas_producer_puts_them(here: World) -> None:
    await here.client.create_topic("t", 10)
    keys = ["a", "foobar", "21", "the quick brown fox"]
    made = await here.send(
        "POST", "/api/topics/t/records", {"records": [{"key": k, "value": 1} for k in keys]}
    )
    by_java = [await here.client.produce("t", [Record(k.encode(), b"", 0)]) for k in keys]
    assert [o["offset"] + 1 for o in made["offsets"]] == [offsets[0] for offsets in by_java]


async def test_a_rate_and_a_minute_of_points_come_from_the_offsets(here: World) -> None:
    await here.client.create_topic("t", 1)
    await until(lambda: "t" in here.site.watch.topics.topics)
    topic = here.site.watch.topics.topics["t"]
    topic.appended.read(100, now_ms() + 1_000)
    topic.appended.read(200, now_ms() + 2_000)
    told = next(t for t in await here.get("/api/topics") if t["name"] == "t")
    assert told["rate"] > 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"value":' + b"[" * 50_000, "not JSON"),
        (b'{"value": "\\ud800"}', "not JSON"),
        (b'{"value": "\xff"}', "not JSON"),
        (b'{"value": 1e999}', "not JSON"),
        (b'{"value": 1, "headers": {"h": {"\xff": 1}}}', "not JSON"),
        (b"[]", "Expected `object`"),
        (b"{}", "needs a value"),
        (b'{"value": 1, "records": []}', "not both"),
        (b'{"records": []}', "1 to 10000"),
        (b'{"records": [{"key": "x"}]}', "required field `value`"),
        (b'{"value": 1, "partition": 9}', "2 partitions"),
        (b'{"value": 1, "partition": -1}', "2 partitions"),
        (b'{"value": 1, "partition": "0"}', "Expected `int | null`"),
        (b'{"value": 1, "headers": []}', "Expected `object`"),
        (b'{"value": 1, "topic": "x"}', "unknown field `topic`"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_with_its_reason(
    here: World, body: bytes, words: str
) -> None:
    await here.client.create_topic("t", 2)
    answer = await here.send("POST", "/api/topics/t/records", body, 400)
    assert words in answer["error"], answer
    assert set(answer) == {"error", "reason", "remedy", "place"}
    assert sum((await here.client.offsets("t")).values()) == 0, "nothing was written"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("limit=1e3", "limit"), ("limit=٣", "limit"),
        ("partition=-1", "partition"), ("partition=99999999999999999999", "partition"), ("offset=5", "offset"),
        ("partition=0&offset=-1", "offset"), ("from=yesterday", "from"), ("from=-5", "from"), ("form=start", "form"),
    ],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_refused_at_its_place(
    here: World, query: str, place: str
) -> None:
    await here.client.create_topic("t", 1)
    assert (await here.get(f"/api/topics/t/records?{query}", 400))["place"] == place


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 250, "..", "a/b"])
async def test_a_name_that_no_topic_can_have_is_refused(here: World, name: str) -> None:
    assert (await here.send("POST", "/api/topics", {"name": name}, 400))["place"] == "name"


@pytest.mark.parametrize("partitions", [0, -1, 1025, 2**70, 1.5, "3", True])
async def test_a_number_of_partitions_out_of_range_is_refused(here: World, partitions: object) -> None:
    await here.send("POST", "/api/topics", {"name": "t", "partitions": partitions}, 400)


async def test_what_is_not_there_or_there_already_has_its_own_status(anywhere: World) -> None:
    await anywhere.get("/api/topics/nope", 404)
    await anywhere.get("/api/topics/nope/records", 404)
    await anywhere.send("DELETE", "/api/topics/nope", status=404)
    await anywhere.client.create_topic("t", 1)
    assert (await anywhere.send("POST", "/api/topics", {"name": "t"}, 409))["remedy"]


async def test_a_topic_is_made_when_a_record_is_sent_to_it(anywhere: World) -> None:
    sent = await anywhere.send("POST", "/api/topics/fresh/records", {"value": 1})
    assert sent["offsets"] == [{"partition": 0, "offset": 0}]


@pytest.mark.parametrize("name", ["_penstock.workers", "__consumer_offsets"])
async def test_the_systems_own_topics_are_not_to_be_changed(here: World, name: str) -> None:
    await here.client.create_topic(name, 1, exist_ok=True)
    await here.send("DELETE", f"/api/topics/{name}", status=403)
    await here.send("POST", f"/api/topics/{name}/records", {"value": 1}, 403)
    await here.send("POST", "/api/topics", {"name": name}, 403)
    assert (await here.get(f"/api/topics/{name}"))["internal"] is True


async def test_a_broker_that_is_away_is_told_at_once_and_comes_back(here: World) -> None:
    await here.client.create_topic("t", 1)
    await until(lambda: "t" in here.site.watch.topics.topics)
    here.client.away = True
    here.site.watch.started_ms -= 60_000
    here.site.watch.topics.seen_ms -= 60_000
    assert "does not answer" in (await here.get("/api/topics/t", 503))["error"]
    assert "does not answer" in (await here.send("POST", "/api/topics/t/records", {"value": 1}, 503))["error"]
    assert (await here.get("/api/status"))["processes"][0]["state"] == "down"
    here.client.away = False
    await until(lambda: here.site.watch.broker_up)
    await here.get("/api/topics/t")
