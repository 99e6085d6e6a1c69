"""Kafka's own command-line tools do on penstock what they do on Kafka."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench.oracle import kafka as oracle

from penstock.testing.processes import BrokerProcess
from tests.compatibility.kafka_tools.jvm import Jvm

pytestmark = [pytest.mark.java, pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())]
Tool = Callable[..., str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker whose files the tests may look at."""
    with BrokerProcess(tmp_path_factory.mktemp("tools") / "data") as process:
        yield process


@pytest.fixture(scope="module")
def jvm() -> Iterator[Jvm]:
    with Jvm() as made:
        yield made


@pytest.fixture
def tool(jvm: Jvm, server: BrokerProcess) -> Tool:
    """Runs a tool against the broker; what it printed. Fails where it ends with another code than `code`."""

    def run(name: str, *words: str, given: str = "", code: int = 0) -> str:
        ended, said = jvm(name, *address_first(name, server.address, words), given=given)
        assert ended == code, said
        return said

    return run


def address_first(name: str, address: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """`kafka-cluster` wants the address after its verb, the others anywhere or first."""
    at = 1 if name == "kafka-cluster" else 0
    return (*words[:at], "--bootstrap-server", address, *words[at:])


def rows(said: str) -> list[list[str]]:
    """A table's cells, without its head."""
    return [line.split() for line in said.splitlines()[1:] if line.strip()]


def filled(tool: Tool, topic: str, count: int = 3, partitions: int = 1) -> None:
    tool("kafka-topics", "--create", "--topic", topic, "--partitions", str(partitions))
    lines = "".join(f"key-{n}:value-{n}\n" for n in range(count))
    reading = ("--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    tool("kafka-console-producer", "--topic", topic, *reading, given=lines)


def read(tool: Tool, topic: str, group: str, count: int = 3) -> set[str]:
    words = ("--topic", topic, "--from-beginning", "--max-messages", str(count), "--group", group)
    said = tool(
        "kafka-console-consumer", *words, "--timeout-ms", "20000", "--formatter-property", "print.key=true"
    )
    return {line for line in said.splitlines() if line.startswith("key-")}


def test_kafka_topics(tool: Tool) -> None:
    words = (
        "--topic",
        "made",
        "--partitions",
        "3",
        "--replication-factor",
        "1",
        "--config",
        "retention.ms=3600000",
    )
    assert "Created topic made." in tool("kafka-topics", "--create", *words)
    assert "made" in tool("kafka-topics", "--list").splitlines()
    said = tool("kafka-topics", "--describe", "--topic", "made")
    assert re.search(r"PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: retention.ms=3600000", said)
    assert said.count("Leader: 1\tReplicas: 1\tIsr: 1") == 3
    tool("kafka-topics", "--alter", "--topic", "made", "--partitions", "4")
    assert "PartitionCount: 4" in tool("kafka-topics", "--describe", "--topic", "made")
    assert "already exists" in tool("kafka-topics", "--create", *words, code=1)
    tool("kafka-topics", "--delete", "--topic", "made")
    assert "does not exist" in tool("kafka-topics", "--describe", "--topic", "made", code=1)


def test_kafka_configs(tool: Tool) -> None:
    tool("kafka-topics", "--create", "--topic", "settings")
    of = ("--entity-type", "topics", "--entity-name", "settings")
    tool(
        "kafka-configs",
        "--alter",
        *of,
        "--add-config",
        "retention.ms=7200000,cleanup.policy=[compact,delete]",
    )
    said = tool("kafka-configs", "--describe", *of)
    assert "retention.ms=7200000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=7200000" in said
    assert "cleanup.policy=compact,delete" in said
    tool("kafka-configs", "--alter", *of, "--delete-config", "retention.ms")
    assert "retention.ms" not in tool("kafka-configs", "--describe", *of)
    assert "InvalidConfigurationException" in tool(
        "kafka-configs", "--alter", *of, "--add-config", "retention.ms=soon", code=1
    )
    said = tool("kafka-configs", "--describe", "--entity-type", "brokers", "--entity-name", "1", "--all")
    assert "log.cleanup.policy=delete" in said


def test_console_producer_and_consumer(tool: Tool) -> None:
    filled(tool, "console", partitions=2)
    assert read(tool, "console", "console-readers") == {f"key-{n}\tvalue-{n}" for n in range(3)}


def test_kafka_consumer_groups(tool: Tool) -> None:
    filled(tool, "grouped")
    read(tool, "grouped", "gang")
    assert ["gang", "Empty"] in rows(tool("kafka-consumer-groups", "--list", "--state"))
    assert ["gang", "Classic", "consumer"] in rows(tool("kafka-groups", "--list"))
    of = ("--group", "gang")
    assert ["gang", "grouped", "0", "3", "3", "0", "-", "-", "-"] in rows(
        tool("kafka-consumer-groups", "--describe", *of)
    )
    assert "Empty 0" in " ".join(tool("kafka-consumer-groups", "--describe", *of, "--state").split())
    tool(
        "kafka-consumer-groups", "--reset-offsets", "--shift-by", "-2", *of, "--topic", "grouped", "--execute"
    )
    assert ["gang", "grouped", "0", "1", "3", "2", "-", "-", "-"] in rows(
        tool("kafka-consumer-groups", "--describe", *of)
    )
    assert "Successful" in tool("kafka-consumer-groups", "--delete-offsets", *of, "--topic", "grouped")
    assert "was successful" in tool("kafka-consumer-groups", "--delete", *of)
    assert "gang" not in tool("kafka-consumer-groups", "--list")


def test_kafka_get_offsets_and_delete_records(tool: Tool, tmp_path: Path) -> None:
    filled(tool, "counted", 10)
    wanted = tmp_path / "offsets.json"
    wanted.write_text(
        json.dumps({"partitions": [{"topic": "counted", "partition": 0, "offset": 4}], "version": 1})
    )
    assert "partition: counted-0\tlow_watermark: 4" in tool(
        "kafka-delete-records", "--offset-json-file", str(wanted)
    )
    for time, offset in {"earliest": "4", "latest": "10", "-2": "4", "-1": "10"}.items():
        assert f"counted:0:{offset}" in tool("kafka-get-offsets", "--topic", "counted", "--time", time)


def test_kafka_log_dirs(tool: Tool) -> None:
    filled(tool, "sized")
    said = tool("kafka-log-dirs", "--describe", "--topic-list", "sized")
    (told,) = json.loads(said[said.index("{") :])["brokers"]
    (folder,) = told["logDirs"]
    (part,) = folder["partitions"]
    assert (folder["error"], part["partition"]) == (None, "sized-0")
    assert part["size"] > 0


def test_perf_tests_and_kafka_transactions(jvm: Jvm, server: BrokerProcess, tool: Tool) -> None:
    props = (
        "--record-size",
        "100",
        "--throughput",
        "-1",
        "--command-property",
        f"bootstrap.servers={server.address}",
    )
    code, said = jvm("kafka-producer-perf-test", "--topic", "perf", "--num-records", "20000", *props)
    assert (code, "20000 records sent" in said) == (0, True), said
    words = ("--topic", "perf", "--num-records", "2000", "--transactional-id", "perf")
    code, said = jvm("kafka-producer-perf-test", *words, "--transaction-duration-ms", "50", *props)
    assert (code, "2000 records sent" in said) == (0, True), said
    said = tool("kafka-consumer-perf-test", "--topic", "perf", "--num-records", "22000", "--timeout", "20000")
    assert int(said.splitlines()[-1].split(",")[4]) == 22000
    (told,) = rows(tool("kafka-transactions", "list"))
    assert (told[0], told[1], told[3]) == ("perf", "1", "CompleteCommit")
    assert "CompleteCommit" in tool("kafka-transactions", "describe", "--transactional-id", "perf")
    producers = rows(tool("kafka-transactions", "describe-producers", "--topic", "perf", "--partition", "0"))
    assert [(row[1], row[3], row[5]) for row in producers] == [("0", "19999", "None"), ("0", "1999", "None")]
    assert rows(tool("kafka-transactions", "find-hanging", "--broker-id", "1")) == []


def test_kafka_dump_log_reads_our_segments(jvm: Jvm, server: BrokerProcess, tool: Tool) -> None:
    filled(tool, "dumped")
    (segment,) = server.data_dir.rglob("dumped*/**/*.log")
    code, said = jvm("kafka-dump-log", "--files", str(segment), "--print-data-log", "--deep-iteration")
    assert code == 0, said
    assert re.findall(r"payload: (\S+)", said) == [f"value-{n}" for n in range(3)]
    assert "isvalid: true" in said


def test_the_other_tools_have_their_answers(tool: Tool) -> None:
    assert "Produce(0): 0 to 11 [usable: 11]" in tool("kafka-broker-api-versions")
    assert re.search(r"Cluster ID: \S{22}", tool("kafka-cluster", "cluster-id"))
    filled(tool, "elected")
    tool("kafka-leader-election", "--election-type", "preferred", "--all-topic-partitions")
    words = ("--topic", "latency", "--num-records", "20", "--producer-acks", "all", "--record-size", "100")
    assert "Avg latency" in tool("kafka-e2e-latency", *words)
