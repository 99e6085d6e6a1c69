"""Kafka Streams, Connect and MirrorMaker run on penstock as they do on Kafka.

Each takes ten seconds and more, so they are campaigns: `make compatibility`. With COMPATIBILITY_SERVER=kafka they run on
Apache Kafka, to know that the tests are right.
"""

import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.oracle import flink, frameworks
from bench.oracle import kafka as oracle

from tests.compatibility.clients.confluent import Confluent
from tests.compatibility.clients.verbs import Place, Sent, until
from tests.compatibility.servers import SERVERS, kafka

pytestmark = [
    pytest.mark.slow,
    pytest.mark.java,
    pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing()),
]
HERE = Path(__file__).parent / "frameworks"
SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
WORDS = ["the", "log", "the", "stream", "the", "table", "of", "the", "log"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with SERVERS[os.environ.get("COMPATIBILITY_SERVER", "penstock")]() as found:
        yield found


@pytest.fixture
def client(address: str) -> Confluent:
    return Confluent(Place(address))


def written(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def counts(client: Confluent, topic: str) -> dict[str, int]:
    """The newest count of each word, as a reader of committed records sees them."""
    return {(seen.key or b"").decode(): int(seen.value or 0) for seen in committed(client, topic)}


def committed(client: Confluent, topic: str) -> list[Sent]:
    """All committed records: markers take offsets too, so they cannot be counted."""
    import confluent_kafka as ck

    consumer = ck.Consumer(
        client.settings(group_id="count", isolation_level="read_committed", enable_partition_eof=True)
    )
    consumer.assign([ck.TopicPartition(topic, 0, 0)])
    found = []
    try:
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s:
            message = consumer.poll(0.5)
            if message is not None and message.error() is not None:
                break
            if message is not None:
                found.append(ck_seen(message))
    finally:
        consumer.close()
    return found


def ck_seen(message: Any) -> Sent:
    return Sent(message.value(), message.key())


# --- Kafka Streams --------------------------------------------------------------------------------------------------


def test_streams_counts_words_exactly_once_though_it_is_killed(
    address: str, client: Confluent, tmp_path: Path
) -> None:
    client.create("lines", 2)
    client.create("counts", 1)
    log, lines = tmp_path / "streams.log", [" ".join(WORDS)] * 200
    program = (str(HERE / "WordCount.java"), address, "lines", "counts", str(tmp_path / "state"))
    for stage in range(3):
        with frameworks.running(log, *program) as process:
            for part in range(2):
                client.produce("lines", [Sent(line.encode(), partition=part) for line in lines])
            wanted = {word: count * 2 * len(lines) * (stage + 1) for word, count in Counter(WORDS).items()}
            if stage < 2:  # in the middle of its work, and without a word
                until(
                    lambda: client.offset_at("counts", -2) > 0,
                    f"any count, see {log.read_text()[-3000:]}",
                    60,
                )
                process.kill()
                process.wait()
            else:
                until(lambda w=wanted: counts(client, "counts") == w, f"the right counts: {wanted}", 90)
    assert counts(client, "counts") == wanted


# --- Kafka Connect --------------------------------------------------------------------------------------------------


def worker(address: str, tmp_path: Path) -> dict[str, str]:
    return {
        "bootstrap.servers": address,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "offset.flush.interval.ms": "500",
        "plugin.discovery": "service_load",
        "listeners": f"http://127.0.0.1:{oracle.free_port()}",
    }


def test_connect_standalone_carries_a_file_through_a_topic(address: str, tmp_path: Path) -> None:
    source, sink = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("".join(f"line {n}\n" for n in range(100)))
    settings = worker(address, tmp_path) | {"offset.storage.file.filename": str(tmp_path / "offsets")}
    given = [frameworks.properties(tmp_path / "worker.properties", settings)]
    connectors = {
        "source": {"connector.class": SOURCE, "file": str(source), "topic": "by-standalone"},
        "sink": {"connector.class": SINK, "file": str(sink), "topics": "by-standalone"},
    }
    for name, config in connectors.items():
        given.append(
            frameworks.properties(
                tmp_path / f"{name}.properties", {"name": f"{name}-1", "tasks.max": "1", **config}
            )
        )
    log = tmp_path / "connect.log"
    with frameworks.running(log, "org.apache.kafka.connect.cli.ConnectStandalone", *given):
        until(lambda: len(written(sink)) == 100, f"the file, see {log}", 90)
        with source.open("a") as more:
            more.write("and one\n")
        until(lambda: len(written(sink)) == 101, "the line that was added", 30)
    assert written(sink) == [*(f"line {n}" for n in range(100)), "and one"]


def asked(url: str, body: dict | None = None) -> object:
    """A request to a worker's REST API; None while it is not up."""
    request = urllib.request.Request(url, headers={"content-type": "application/json"})
    if body is not None:
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except OSError:
        return None


def test_connect_distributed_exactly_once_goes_on_after_a_kill(
    address: str, client: Confluent, tmp_path: Path
) -> None:
    source, sink = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("".join(f"line {n}\n" for n in range(100)))
    settings = worker(address, tmp_path) | {
        "group.id": "connect-workers",
        "exactly.once.source.support": "enabled",
        **{f"{kind}.storage.topic": f"connect-{kind}" for kind in ("offset", "config", "status")},
        **{f"{kind}.storage.replication.factor": "1" for kind in ("offset", "config", "status")},
        "offset.storage.partitions": "2",
        "scheduled.rebalance.max.delay.ms": "1000",
        "session.timeout.ms": "6000",
        "heartbeat.interval.ms": "1000",
    }
    url, log = settings["listeners"], tmp_path / "connect.log"
    program = (
        "org.apache.kafka.connect.cli.ConnectDistributed",
        frameworks.properties(tmp_path / "worker.properties", settings),
    )
    with frameworks.running(log, *program) as process:
        until(lambda: asked(f"{url}/connectors") is not None, f"the REST API, see {log}", 90)
        for name, config in {
            "source": {"connector.class": SOURCE, "file": str(source), "topic": "by-distributed"},
            "sink": {"connector.class": SINK, "file": str(sink), "topics": "by-distributed"},
        }.items():
            body = {"name": name, "config": {"tasks.max": "1", **config}}
            until(lambda b=body: asked(f"{url}/connectors", b), f"connector {name}", 60)
        until(lambda: len(written(sink)) == 100, f"the file, see {log}", 90)
        process.kill()
        process.wait()
    with source.open("a") as more:
        more.write("".join(f"line {n}\n" for n in range(100, 150)))
    with frameworks.running(log, *program):
        until(lambda: len(set(written(sink))) == 150, f"what was added, see {log}", 120)
        states = until(lambda: asked(f"{url}/connectors/source/status"), "the status", 30)
        assert states["tasks"][0]["state"] == "RUNNING"
    records = [r.value.decode() for r in committed(client, "by-distributed")]
    assert records == [f"line {n}" for n in range(150)], "the source is exactly once"


# --- MirrorMaker ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["from Kafka", "to Kafka"])
def test_mirror_maker_copies_topics_configs_and_group_offsets(address: str, way: str, tmp_path: Path) -> None:
    with kafka() as other:
        source, target = (other, address) if way == "from Kafka" else (address, other)
        here, there = Confluent(Place(source)), Confluent(Place(target))
        here.create("orders", 2, {"retention.ms": "3600000"})
        for part in range(2):
            here.produce("orders", [Sent(f"{part}-{n}".encode(), b"k", partition=part) for n in range(50)])
        here.set_group_offset("buyers", "orders", 50)
        settings = {
            "clusters": "one, two", "one.bootstrap.servers": source, "two.bootstrap.servers": target,
            "one->two.enabled": "true", "one->two.topics": "orders", "one->two.groups": "buyers",
            "replication.factor": "1", "checkpoints.topic.replication.factor": "1", "heartbeats.topic.replication.factor": "1",
            "offset-syncs.topic.replication.factor": "1", "offset.storage.replication.factor": "1",
            "status.storage.replication.factor": "1", "config.storage.replication.factor": "1",
            "emit.checkpoints.interval.seconds": "1", "sync.group.offsets.enabled": "true", "offset.lag.max": "0",
            "sync.group.offsets.interval.seconds": "1", "refresh.topics.interval.seconds": "1",
            "one->two.exactly.once.source.support": "disabled", "plugin.discovery": "hybrid_warn",
        }  # fmt: skip
        log = tmp_path / "mirror.log"
        given = frameworks.properties(tmp_path / "mirror.properties", settings)
        with frameworks.running(log, "org.apache.kafka.connect.mirror.MirrorMaker", given, heap="768m"):
            until(lambda: there.partitions("one.orders") == 2, f"the topic, see {log}", 120)
            seen = there.read("one.orders", 50)
            assert [s.value for s in seen] == [f"0-{n}".encode() for n in range(50)]
            assert there.configs("one.orders")["retention.ms"] == "3600000"
            until(lambda: there.group_offset("buyers", "one.orders") == 50, "the group's offsets", 60)


# --- Flink ----------------------------------------------------------------------------------------------------------


def test_flink_sql_writes_exactly_once(address: str, client: Confluent) -> None:
    for topic in ("readings", "doubled"):
        client.create(topic)
    client.produce(
        "readings", [Sent(json.dumps({"sensor": f"s{n}", "reading": n}).encode()) for n in range(-10, 2000)]
    )
    table = f"'connector' = 'kafka', 'format' = 'json', 'properties.bootstrap.servers' = '{address}'"
    bounds = "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'"
    once = "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'doubled'"
    with flink.running(heap="1g") as sql:
        sql.run(
            [
                f"CREATE TABLE readings (sensor STRING, reading DOUBLE) WITH ({table}, 'topic' = 'readings', {bounds}, "
                "'properties.group.id' = 'flink')",
                f"CREATE TABLE doubled (sensor STRING, reading DOUBLE) WITH ({table}, 'topic' = 'doubled', {once}, "
                "'properties.transaction.timeout.ms' = '60000')",
                "INSERT INTO doubled SELECT sensor, reading * 2 FROM readings WHERE reading >= 0",
            ],
            {"execution.checkpointing.interval": "500 ms", "execution.checkpointing.mode": "EXACTLY_ONCE"},
        )
    found = [json.loads(record.value or b"") for record in committed(client, "doubled")]
    assert found == [{"sensor": f"s{n}", "reading": 2.0 * n} for n in range(2000)]
