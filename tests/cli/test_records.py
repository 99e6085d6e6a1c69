"""`penstock produce` and `penstock consume`: the same on penstock and on Apache Kafka."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2
from confluent_kafka import Producer

from penstock.compression import CODEC_NAMES
from tests.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("server")
Typed = Callable[[bytes], None]


def words(*more: str) -> list[str]:
    return [sys.executable, "-m", "penstock.cli.main", *more]


def test_a_record_comes_back_with_all_it_had(call: Call, topic: str) -> None:
    sent = call(
        "produce", topic, "--key", "k", "hello", "--header", "a=1", "--header", "a=2", "--timestamp", "2026-01-01T00:00:00Z",
        "--json",
    )  # fmt: skip
    assert sent.rows == [{"topic": topic, "partition": 0, "offset": 0}]
    assert call("consume", topic, "--json").rows == [
        {
            "topic": topic, "partition": 0, "offset": 0, "timestamp_ms": 1767225600000,
            "key": "k", "value": "hello", "headers": [["a", "1"], ["a", "2"]],
        }
    ]  # fmt: skip
    assert call("consume", topic, "--keys").out == "k\thello\n"
    shown = call("consume", topic, "--format", r"%t/%p@%o %d %d{iso} %k{hex} %v{base64} %h 100%%\n")
    assert shown.out == (
        f"{topic}/0@0 1767225600000 2026-01-01T00:00:00.000Z 6b aGVsbG8= " + '[["a", "1"], ["a", "2"]] 100%\n'
    )


def test_a_topic_goes_through_a_pipe_and_comes_out_the_same(call: Call, topic: str, typed: Typed) -> None:
    call("topic", "create", topic, f"{topic}-copy", "--partitions", "2")
    typed(b'{"key": "k", "value": {"base64": "/wA="}, "headers": {"h": null}, "timestamp_ms": 5, "partition": 1}\n'
          b'\n{"value": null, "key": "gone", "partition": 0}\n{"value": {"as": "json"}, "partition": 1}\n')  # fmt: skip
    assert call("produce", topic, "--format", "json").code == 0
    first = call("consume", topic, "--json")
    typed(first.out.encode())
    assert (
        call("produce", f"{topic}-copy", "--format", "json").error
        == f"penstock: 3 records sent to {topic}-copy\n"
    )
    second = call("consume", f"{topic}-copy", "--json").rows
    by_place = {(row["partition"], row["offset"]): row for row in first.rows}
    assert {(row["partition"], row["offset"]): row | {"topic": topic} for row in second} == by_place
    assert by_place[1, 0]["value"] == {"base64": "/wA="}
    assert by_place[1, 0]["headers"] == [["h", None]]
    assert (by_place[0, 0]["key"], by_place[0, 0]["value"]) == ("gone", None)
    assert json.loads(by_place[1, 1]["value"]) == {"as": "json"}


def test_lines_are_cut_by_the_format(call: Call, topic: str, typed: Typed) -> None:
    typed(b"a\t1\t10\nb\t-\t20\n\xff\xfe\t3\t30")
    assert call("produce", topic, "--format", r"%k\t%v\t%d", "--null", "-").code == 0
    assert call("consume", topic, "--format", r"%k{hex}|%v|%d", "--null", "NULL").lines == [
        "61|1|10", "62|NULL|20", "fffe|3|30",
    ]  # fmt: skip
    typed(b"x=y=z\n")
    call("produce", topic, "--key-separator", "=")
    assert call("consume", topic, "--from", "end-1", "--keys").out == "x\ty=z\n"


def test_bytes_go_through_untouched_where_no_terminal_reads(
    call: Call, topic: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    data = bytes(range(256)) * 3
    (tmp_path / "picture").write_bytes(data)
    assert call("produce", topic, "--file", str(tmp_path / "picture"), "--whole").code == 0
    from penstock.cli.main import main

    assert main(["consume", topic, "--raw"]) == 0
    assert capsysbinary.readouterr().out == data


@pytest.mark.parametrize("codec", sorted(CODEC_NAMES.values()))
def test_every_codec_and_many_records(call: Call, topic: str, codec: str) -> None:
    assert call("produce", topic, "x" * 50, "--repeat", "4000", "--codec", codec).code == 0
    assert call("consume", topic).out == ("x" * 50 + "\n") * 4000


def test_keys_choose_partitions_as_java_does_and_a_flag_overrules(call: Call, topic: str) -> None:
    call("topic", "create", topic, "--partitions", "3")
    for key in ("a", "b", "c", "\N{PERSONAL COMPUTER}"):
        java_s = murmur2(key.encode()) & 0x7FFFFFFF
        assert call("produce", topic, "v", "--key", key, "--json").rows[0]["partition"] == java_s % 3
    assert call("produce", topic, "v", "--key", "a", "--partition", "2", "--json").rows[0]["partition"] == 2
    wrong = call("produce", topic, "v", "--partition", "3")
    assert (wrong.code, "no partition 3" in wrong.error) == (2, True)


HOURS: dict[str, str] = {}
PENSTOCK_ALONE = pytest.mark.parametrize("server", ["penstock"], indirect=True)
"""For what is decided before or beside the server."""


@pytest.fixture
def hours(call: Call, server: str, topic: str, typed: Typed) -> str:
    """Ten records, one an hour from 2026-01-01T00:00Z on; keys even and odd. One such topic a server."""
    if server in HOURS:
        return HOURS[server]
    call("topic", "create", topic, "--config", "retention.ms=-1")  # the records are old
    line = '{"key": "%s", "value": "%d", "timestamp": "2026-01-01T%02d:00:00Z"}\n'
    typed("".join(line % ("odd" if hour % 2 else "even", hour, hour) for hour in range(10)).encode())
    call("produce", topic, "--format", "json")
    HOURS[server] = topic
    return topic


@pytest.mark.parametrize(
    ("flags", "printed"),
    [
        ((), "0123456789"),
        (("--from", "7"), "789"),
        (("--from", "start+8"), "89"),
        (("--from", "end-2"), "89"),
        (("--from", "-2"), "89"),
        (("--from", "end"), ""),
        (("--from", "99"), ""),
        (("--from", "2026-01-01T06:30:00Z"), "789"),
        (("--from", "@1767243600000"), "56789"),
        (("--from", "-5m"), ""),
        (("--to", "3"), "012"),
        (("--from", "2026-01-01T02:00Z", "--to", "2026-01-01T04:00Z"), "23"),
        (("--to", "end-8"), "01"),
        (("--count", "4"), "0123"),
        (("--count", "0"), ""),
        (("--key", "odd"), "13579"),
        (("--key", "odd", "--count", "2"), "13"),
        (("--key-regex", "^e"), "02468"),
        (("--key", "odd", "--key-regex", "ev"), "0123456789"),
        (("--partition", "0", "--from", "9"), "9"),
    ],
)
def test_any_part_of_a_topic(call: Call, hours: str, flags: tuple[str, ...], printed: str) -> None:
    said = call("consume", hours, *flags)
    assert (said.code, said.out.replace("\n", ""), said.error) == (0, printed, "")


def test_several_topics_by_pattern(call: Call, topic: str) -> None:
    for name in "ab":
        call("produce", f"{topic}-{name}", name)
    assert sorted(call("consume", f"{topic}-*").lines) == ["a", "b"]


def test_committed_leaves_out_what_transactions_took_back_or_hold_open(
    call: Call, server: str, topic: str
) -> None:
    call("topic", "create", topic)
    producer = Producer({"bootstrap.servers": server, "transactional.id": topic})
    producer.init_transactions(30)
    for value in ("kept", "aborted", "kept too", "open"):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(30)
        if value == "open":
            break
        (producer.abort_transaction if value == "aborted" else producer.commit_transaction)(30)
    assert call("consume", topic, "--committed").lines == ["kept", "kept too"]
    assert call("consume", topic).lines == ["kept", "aborted", "kept too", "open"]
    producer.commit_transaction(30)
    assert call("consume", topic, "--committed", "--from", "end-2").lines == ["open"]


def test_a_tombstone_is_a_record_without_value(call: Call, topic: str) -> None:
    call("produce", topic, "--key", "k", "--tombstone")
    (row,) = call("consume", topic, "--json").rows
    assert (row["key"], row["value"]) == ("k", None)


def test_files_are_read_one_after_the_other_as_often_as_asked(call: Call, topic: str, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"{name}1\n{name}2")
    files = ("--file", str(tmp_path / "a"), "--file", str(tmp_path / "b"))
    assert call("produce", topic, *files, "--repeat", "2").code == 0
    assert call("consume", topic).lines == ["a1", "a2", "b1", "b2"] * 2


@PENSTOCK_ALONE
@pytest.mark.parametrize(
    ("flags", "typed_in", "says"),
    [
        (("--format", "json"), b'{"key": "k"}\n{"valu": 1}\n', "standard input:2: a record has no 'valu'"),
        (("--format", "json"), b"[1]\n", "a line is a JSON object"),
        (("--format", "json"), b'{"value": {"base64": "%"}}\n', "the value is damaged"),
        (("--format", "json"), b'{"value": "\\ud800"}\n', "the value is damaged"),
        (("--format", "json"), b'{"headers": [1]}\n', "headers are pairs"),
        (("--format", "json"), b'{"timestamp": "soon"}\n', "the timestamp is 'soon'"),
        (("--format", "%k:%v"), b"a:b\nab\n", "standard input:2: no ':' in 'ab'"),
        (("--format", "%v{hex}"), b"xyz\n", "%v{hex} is 'xyz'"),
        (("--format", "%k%v"), b"", "nothing separates %k from %v"),
        (("--format", "%o"), b"", "there is no %o here"),
        (("--format", "none"), b"", "shows nothing of a record"),
        (("--file", "/nowhere"), b"", "cannot read /nowhere"),
        (("--header", "h"), b"x\n", "--header takes KEY=VALUE"),
        (("--tombstone",), b"", "--tombstone needs --key"),
        (("--repeat", "2"), b"", "--repeat takes"),
        (("--timestamp", "end"), b"x\n", "is no time"),
    ],
)
def test_mistakes_name_their_place(
    call: Call, topic: str, typed: Typed, flags: tuple[str, ...], typed_in: bytes, says: str
) -> None:
    call("topic", "create", topic)
    typed(typed_in)
    said = call("produce", topic, *flags)
    assert (said.code, says in said.error) == (2, True), said.error


@PENSTOCK_ALONE
@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--from", "yesterday"), "no place in a topic"),
        (("--partition", "7"), "no partition 7"),
        (("--key-regex", "("), "no regular expression"),
        (("--format", "%z"), "there is no %z here"),
        (("--format", "%v{octal}"), "no form 'octal'"),
        (("--follow", "--to", "end"), "cannot wait"),
    ],
)
def test_what_cannot_be_read_is_said(call: Call, topic: str, flags: tuple[str, ...], says: str) -> None:
    call("topic", "create", topic)
    said = call("consume", topic, *flags)
    assert (said.code, says in said.error) == (2, True), said.error


def test_following_prints_what_comes_and_ends_with_ctrl_c(call: Call, topic: str) -> None:
    call("produce", topic, "old")
    reading = subprocess.Popen(
        words("consume", topic, "--from", "end-1", "--follow"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reading.stdout is not None
    assert reading.stdout.readline() == b"old\n"
    call("produce", topic, "new")
    assert reading.stdout.readline() == b"new\n"
    reading.send_signal(signal.SIGINT)
    _, error = reading.communicate(timeout=10)
    assert (reading.returncode, error) == (130, b"")


def test_a_pipe_that_closes_ends_it_in_silence(call: Call, topic: str) -> None:
    call("produce", topic, "x" * 1000, "--repeat", "5000")
    reading = subprocess.Popen(words("consume", topic), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert reading.stdout is not None and reading.stderr is not None
    assert reading.stdout.readline() == b"x" * 1000 + b"\n"
    reading.stdout.close()
    assert reading.stderr.read() == b""
    assert reading.wait(10) == 141


def test_what_is_typed_is_sent_at_once(call: Call, topic: str) -> None:
    read_end, write_end = os.pipe()
    sending = subprocess.Popen(words("produce", topic, "--json"), stdin=read_end, stdout=subprocess.PIPE)
    os.close(read_end)
    os.write(write_end, b"first\n")
    assert sending.stdout is not None
    assert json.loads(sending.stdout.readline())["offset"] == 0
    os.write(write_end, b"second")
    time.sleep(0.05)
    os.close(write_end)
    assert json.loads(sending.stdout.readline())["offset"] == 1
    assert sending.wait(10) == 0
