"""Topics, groups and members by the thousand, with names, notes and lists as large as they go."""

import struct

import pytest

from penstock.testing.processes import BrokerProcess
from tests.hostile import wire
from tests.hostile.siege import MIB, Bounds, siege
from tests.hostile.wire import Line

INVALID_TOPIC, INVALID_GROUP = 17, 24


def test_ten_thousand_topics_are_named_and_come_into_being_a_few_at_a_time(besieged: BrokerProcess) -> None:
    """Naming is asking: one request that names them all must not stop the others' for long."""
    with siege(besieged, Bounds(p99_s=3.0)), Line(besieged.address, 60) as line:
        line.ask(wire.metadata([f"named.{number}" for number in range(10_000)]))
        line.ask(wire.metadata([f"un_named.{number}" for number in range(20_000)], create=False))
        line.ask(wire.metadata(None))


def test_names_that_are_too_long(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(grown_mib=100)), Line(besieged.address) as line:
        for length in (250, 32_767):
            answer = line.ask(wire.metadata(["n" * length]))
            assert struct.pack(">h", INVALID_TOPIC) in answer
        names = [bytes(16) + wire.compact(b"n" * MIB) + b"\0" for _ in range(50)]
        line.ask(
            wire.frame(wire.METADATA, 10, wire.uvarint(51) + b"".join(names) + b"\1\0\0\0", flexible=True)
        )


def test_group_ids_of_megabytes_are_refused_and_not_kept(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(grown_mib=60)), Line(besieged.address) as line:
        for number in range(60):
            group = wire.compact(str(number).encode() + b"g" * (2 * MIB))
            offered = wire.uvarint(2) + wire.compact(b"range") + wire.compact(b"") + b"\0"
            body = group + struct.pack(">ii", 10_000, 10_000) + wire.compact(b"") + b"\0"
            answer = line.ask(
                wire.frame(11, 6, body + wire.compact(b"consumer") + offered + b"\0", flexible=True)
            )
            assert struct.unpack_from(">h", answer, 5)[0] == INVALID_GROUP


def test_a_commit_for_a_group_id_too_long_for_its_record_is_refused(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address) as line:
        line.ask(wire.metadata(["committed"]))
        part = wire.uvarint(2) + struct.pack(">iqi", 0, 1, -1) + wire.compact(b"") + b"\0"
        topic = wire.uvarint(2) + wire.compact(b"committed") + part + b"\0"
        body = wire.compact(b"g" * 40_000) + struct.pack(">i", -1) + wire.compact(b"") + b"\0" + topic + b"\0"
        answer = line.ask(wire.frame(8, 8, body, flexible=True))
        assert struct.pack(">h", INVALID_GROUP) in answer


def test_commits_with_notes_as_long_as_they_go(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address) as line:
        line.ask(wire.metadata(["noted"]))
        codes = {n: line.ask(wire.commit("noted", "noted", "n" * n))[-2:] for n in (4096, 4097, 32_767)}
        assert codes[4096] == b"\0\0"
        assert codes[4097] == codes[32_767] == struct.pack(">h", 12)


def test_members_with_megabytes_of_metadata(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(grown_mib=300)) as lines:
        for number in range(60):
            lines.append(Line(besieged.address))
            lines[-1].send(
                wire.join_group(f"heavy-{number % 3}", [("range", b"x" * (10 * MIB))], session_ms=6000)
            )


def test_members_that_share_no_protocol_are_refused_at_once(besieged: BrokerProcess) -> None:
    with siege(besieged) as lines, Line(besieged.address, 30) as line:
        lines.append(Line(besieged.address))
        lines[0].send(wire.join_group("strangers", [(f"a{number}", b"") for number in range(20_000)]))
        line.ask(wire.metadata([]))
        line.ask(wire.join_group("strangers", [(f"b{number}", b"") for number in range(20_000)]))


def test_three_thousand_members_join_one_group(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(p99_s=2.0)) as lines:
        crowd = b"".join(
            wire.join_group("crowd", [("range", b"x" * 100)], session_ms=6000) for _ in range(100)
        )
        for _ in range(30):
            lines.append(Line(besieged.address))
            lines[-1].send(crowd)
        lines[0].socket.settimeout(20)
        lines[0].receive()


def test_thousands_of_groups_are_joined_by_one_flood(besieged: BrokerProcess) -> None:
    with siege(besieged, Bounds(p99_s=2.0)) as lines:
        lines.append(Line(besieged.address, receive_bytes=4096))
        flood = b"".join(
            wire.join_group(f"flood-{n}", [("range", b"")], session_ms=6000) for n in range(5000)
        )
        lines[0].push(flood, 2)


REPEATED = {
    "groups": wire.frame(wire.DESCRIBE_GROUPS, 0, wire.array([wire.text("described")] * 100_000)),
    "settings": wire.frame(
        wire.DESCRIBE_CONFIGS, 1, wire.array([struct.pack(">b", 4) + wire.text("1") + struct.pack(">i", -1)] * 20_000) + b"\1"
    ),
    "offsets": wire.frame(
        wire.OFFSET_FETCH, 8, wire.uvarint(60_001) + (wire.compact(b"described") + b"\0\0") * 60_000 + b"\0\0", True
    ),
}  # fmt: skip


@pytest.mark.parametrize("request_bytes", REPEATED.values(), ids=REPEATED.keys())
def test_one_request_names_the_same_thing_over_and_over(
    besieged: BrokerProcess, request_bytes: bytes
) -> None:
    with siege(besieged, Bounds(grown_mib=120)) as lines, Line(besieged.address, 30) as line:
        lines.append(Line(besieged.address))
        lines[0].send(wire.join_group("described", [("range", b"x" * 1000)], session_ms=6000))
        line.ask(wire.metadata(["described"]))
        line.ask(wire.commit("described-too", "described", "n" * 4000))
        line.ask(request_bytes)


def test_twenty_thousand_partitions_that_nobody_has(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address, 30) as line:
        line.ask(wire.list_offsets("nobody", 0, parts=60_000))
        line.ask(wire.fetch("nobody", 0, parts=60_000, wait_ms=1000))
