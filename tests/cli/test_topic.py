"""`penstock topic …`: the same on penstock and on Apache Kafka."""

import time

import pytest

from tests.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("server")


def test_topics_are_created_listed_and_deleted_by_pattern(call: Call, topic: str) -> None:
    made = call("topic", "create", f"{topic}-a", f"{topic}-b", "--partitions", "3", "--json")
    assert made.rows == [{"topic": f"{topic}-{x}", "partitions": 3, "state": "created"} for x in "ab"]
    listed = call("topic", "list", f"{topic}*")
    assert listed.lines[0].split() == ["topic", "partitions", "replicas", "records", "size"]
    assert listed.lines[1].split() == [f"{topic}-a", "3", "1", "0", "0", "B"]
    would = call("topic", "delete", f"{topic}-[ab]", "--dry-run", "--json")
    assert [(row["topic"], row["records"], row["state"]) for row in would.rows] == [
        (f"{topic}-a", 0, "would be deleted"),
        (f"{topic}-b", 0, "would be deleted"),
    ]
    assert len(call("topic", "list", f"{topic}*", "--json").rows) == 2
    assert call("topic", "delete", f"{topic}-.", "--regex", "--yes").code == 0
    until_s = time.monotonic() + 5  # Kafka's metadata may be a little behind
    while call("topic", "list", f"{topic}*").code == 0 and time.monotonic() < until_s:
        time.sleep(0.05)
    assert call("topic", "list", f"{topic}*").code == 2


def test_a_dry_run_creates_nothing_but_asks_the_server(call: Call, topic: str) -> None:
    assert call("topic", "create", topic, "--dry-run", "--json").rows[0]["state"] == "would be created"
    assert call("topic", "list", topic).code == 2
    refused = call("topic", "create", topic, "--dry-run", "--config", "retention.ms=soon")
    assert (refused.code, "INVALID_CONFIG" in refused.error) == (2, True)


def test_a_topic_that_is_there_is_refused_or_left_as_it_is(call: Call, topic: str) -> None:
    call("topic", "create", topic)
    again = call("topic", "create", topic)
    assert (again.code, "TOPIC_ALREADY_EXISTS" in again.error) == (2, True)
    left = call("topic", "create", topic, "--if-not-exists", "--json").rows
    assert left == [{"topic": topic, "partitions": None, "state": "is there"}]


def test_what_is_refused_for_one_topic_is_done_for_the_others(call: Call, topic: str) -> None:
    call("topic", "create", f"{topic}-b")
    said = call("topic", "create", f"{topic}-a", f"{topic}-b", f"{topic}-c", "--json")
    assert said.code == 2
    assert [row["topic"] for row in said.rows] == [f"{topic}-a", f"{topic}-c"]
    assert f"create the topic {topic}-b" in said.error


def test_describe_shows_partitions_configs_and_who_reads(call: Call, topic: str) -> None:
    call("topic", "create", topic, "--partitions", "2", "--config", "retention.ms=3600000")
    call("produce", topic, "a", "--partition", "0", "--repeat", "3")
    call("group", "seek", f"{topic}-g", "--to", "1", "--topic", topic, "--partition", "0")
    (row,) = call("topic", "describe", topic, "--json").rows
    assert (row["topic"], row["replicas"], row["records"]) == (topic, 1, 3)
    assert row["size"] > 60
    parts = [(p["partition"], p["leader"], p["start"], p["end"], p["records"]) for p in row["partitions"]]
    assert parts == [(0, 1, 0, 3, 3), (1, 1, 0, 0, 0)]
    assert row["configs"] == {"retention.ms": {"value": "3600000", "source": "topic"}}
    assert row["groups"] == [{"group": f"{topic}-g", "state": "Empty", "lag": 2}]
    shown = call("topic", "describe", topic)
    assert shown.lines[0].startswith(f"{topic}: 3 records, ")
    assert "retention.ms  3600000  topic" in shown.out
    assert "Empty" in shown.out
    only = call("topic", "describe", topic, "--only", "groups", "--json").rows[0]
    assert "partitions" not in only


def test_configure_sets_adds_takes_and_forgets(call: Call, topic: str) -> None:
    call("topic", "create", topic, "--config", "retention.ms=5000")
    before = {row["config"]: row["value"] for row in call("topic", "configure", topic, "--json").rows}
    assert before["retention.ms"] == "5000"
    words = (
        "--delete",
        "retention.ms",
        "--append",
        "cleanup.policy=compact",
        "--set",
        "segment.bytes=2000000",
    )
    would = call("topic", "configure", topic, *words, "--dry-run", "--json").rows
    assert [(row["config"], row["before"], row["after"], row["state"]) for row in would] == [
        ("retention.ms", "5000", "(default)", "would change"),
        ("segment.bytes", before["segment.bytes"], "2000000", "would change"),
        ("cleanup.policy", "delete", "delete,compact", "would change"),
    ]
    done = call("topic", "configure", topic, *words, "--json").rows
    assert [(row["config"], row["after"], row["state"]) for row in done] == [
        ("retention.ms", "604800000", "changed"),
        ("segment.bytes", "2000000", "changed"),
        ("cleanup.policy", "delete,compact", "changed"),
    ]
    call("topic", "configure", topic, "--subtract", "cleanup.policy=delete")
    after = {row["config"]: row["value"] for row in call("topic", "configure", topic, "--json").rows}
    assert after["cleanup.policy"] == "compact"


def test_partitions_are_added_and_never_taken_away(call: Call, topic: str) -> None:
    call("topic", "create", topic)
    assert call("topic", "configure", topic, "--partitions", "3").code == 0
    assert call("topic", "list", topic, "--json").rows[0]["partitions"] == 3
    fewer = call("topic", "configure", topic, "--partitions", "2")
    assert (fewer.code, "INVALID_PARTITIONS" in fewer.error) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--set", "retention.ms=x"), "INVALID_CONFIG"),
        (("--set", "no.such.setting=1"), "INVALID_CONFIG"),
        (("--set", "retention.ms"), "KEY=VALUE"),
        (("--set", "retention.ms=1", "--delete", "retention.ms"), "two ways"),
    ],
)
def test_what_cannot_be_configured_is_said(call: Call, topic: str, words: tuple[str, ...], says: str) -> None:
    call("topic", "create", topic)
    said = call("topic", "configure", topic, *words)
    assert (said.code, said.out) == (2, "")
    assert says in said.error


def test_a_name_that_is_not_there_is_said_with_the_one_that_is(call: Call, topic: str) -> None:
    call("topic", "create", topic + "-orders")
    said = call("topic", "describe", topic + "-ordres")
    assert said.code == 2
    assert f"did you mean {topic}-orders?" in said.error
    assert call("topic", "delete", "nothing-like-*", "--yes").code == 2
    assert "no regular expression" in call("topic", "list", "(", "--regex").error


def test_own_topics_are_listed_where_they_are_asked_for(call: Call, topic: str) -> None:
    call("group", "seek", f"{topic}-g", "--to", "start", "--topic", _with_record(call, topic))
    names = [row["topic"] for row in call("topic", "list", "--json").rows]
    assert "__consumer_offsets" not in names
    assert "__consumer_offsets" in [
        row["topic"] for row in call("topic", "list", "--internal", "--json").rows
    ]


def _with_record(call: Call, topic: str) -> str:
    call("produce", topic, "v")
    return topic


def test_nothing_is_deleted_without_a_yes(call: Call, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    call("produce", topic, "v")
    said = call("topic", "delete", topic)
    assert (said.code, "--yes" in said.error) == (2, True)
    asked = Answers("no\n")
    monkeypatch.setattr("sys.stdin", asked)
    said = call("topic", "delete", topic)
    assert said.code == 1
    assert f"Delete topic {topic} with 1 record for good? [y/N]" in said.error
    monkeypatch.setattr("sys.stdin", Answers("y\n"))
    assert call("topic", "delete", topic, "--json").rows[0]["state"] == "deleted"


class Answers:
    """Somebody at a terminal."""

    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.line
