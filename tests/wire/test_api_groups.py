"""The group APIs in each offered version, read by kio's response types."""

from typing import Any

import pytest

from penstock import calls as c
from penstock.errors import Refusal, Refused
from penstock.record import Record, encode
from tests.wire.driving import ask, part_of, versions
from tests.wire.fake_broker import FakeBroker

BATCH = encode([Record(b"k", b"v", 1)])


@versions(10)
def test_this_node_coordinates_every_group(broker: FakeBroker, version: int) -> None:
    response = ask(broker, 10, version, key="g", coordinator_keys=["g", "h"])
    found = response.coordinators if version >= 4 else [response]
    assert {(f.error_code, f.node_id, f.host, f.port) for f in found} == {(0, 1, "penstock.test", 9092)}
    if version >= 4:
        assert [f.key for f in found] == ["g", "h"]


@versions(10, since=1)
@pytest.mark.parametrize(("kind", "error", "node"), [(1, 0, 1), (2, 42, -1)])
def test_this_node_coordinates_transactions_and_nothing_unknown(
    broker: FakeBroker, version: int, kind: int, error: int, node: int
) -> None:
    response = ask(broker, 10, version, key="x", coordinator_keys=["x"], key_type=kind)
    found = response.coordinators[0] if version >= 4 else response
    assert (found.error_code, found.node_id) == (error, node)
    assert bool(found.error_message) == bool(error)


def join(broker: FakeBroker, version: int, member_id: str = "", **fields: Any) -> Any:
    asked = {"session_timeout": 9000, "rebalance_timeout": 30000, "protocol_type": "consumer"}
    protocols = [{"name": "range", "metadata": b"meta"}]
    return ask(
        broker,
        11,
        version,
        **{"group_id": "g", "member_id": member_id, "protocols": protocols, **asked, **fields},
    )


@versions(11)
def test_a_member_joins(broker: FakeBroker, version: int) -> None:
    joined = join(broker, version)
    if version >= 4:
        assert (joined.error_code, joined.member_id, joined.generation_id) == (79, "member-1", -1)
        assert joined.protocol_name == (None if version >= 7 else "")
        joined = join(broker, version, joined.member_id)
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
    assert (joined.leader, joined.member_id) == ("member-1", "member-1")
    assert [(m.member_id, m.metadata) for m in joined.members] == [("member-1", b"meta")]
    call = broker.asked[-1]
    assert isinstance(call, c.JoinGroup)
    assert (call.session_timeout_ms, call.rebalance_timeout_ms) == (9000, 30000 if version else 9000)
    assert call.protocols == (("range", b"meta"),)


@versions(11, since=5)
def test_a_static_member_needs_no_second_join(broker: FakeBroker, version: int) -> None:
    joined = join(broker, version, group_instance_id="me")
    assert (joined.error_code, joined.members[0].group_instance_id) == (0, "me")


@versions(14)
def test_a_member_gets_its_share(broker: FakeBroker, version: int) -> None:
    join(broker, 3, "m")
    asked = {
        "group_id": "g",
        "member_id": "m",
        "generation_id": 1,
        "protocol_type": "consumer",
        "protocol_name": "range",
    }
    response = ask(broker, 14, version, **asked, assignments=[{"member_id": "m", "assignment": b"share"}])
    assert (response.error_code, response.assignment) == (0, b"share")
    if version >= 5:
        assert (response.protocol_type, response.protocol_name) == ("consumer", "range")
        assert ask(broker, 14, version, group_id="g").error_code == 23


@versions(12)
def test_a_heartbeat_tells_of_a_rebalance(broker: FakeBroker, version: int) -> None:
    asked = {"group_id": "g", "member_id": "m", "generation_id": 4, "group_instance_id": "i"}
    assert ask(broker, 12, version, **asked).error_code == 0
    broker.refusing[c.Heartbeat] = Refused(Refusal.REBALANCING)
    assert ask(broker, 12, version, **asked).error_code == 27
    call = broker.asked[-1]
    assert isinstance(call, c.Heartbeat)
    assert (call.member_id, call.instance_id, call.generation) == ("m", "i" if version >= 3 else None, 4)


@versions(13)
def test_members_leave(broker: FakeBroker, version: int) -> None:
    members = [{"member_id": "a"}, {"member_id": "", "group_instance_id": "i"}]
    broker.refusing[c.LeaveGroup] = (
        [None, Refused(Refusal.UNKNOWN_MEMBER)] if version >= 3 else [Refused(Refusal.UNKNOWN_MEMBER)]
    )
    response = ask(broker, 13, version, group_id="g", member_id="a", members=members)
    if version < 3:
        assert response.error_code == 25
    else:
        assert response.error_code == 0
        assert [(m.member_id, m.group_instance_id, m.error_code) for m in response.members] == [
            ("a", None, 0),
            ("", "i", 25),
        ]
    broker.refusing[c.LeaveGroup] = Refused(Refusal.BAD_GROUP)
    assert ask(broker, 13, version, group_id="", member_id="a", members=members).error_code == 24


@versions(8)
def test_offsets_are_committed(broker: FakeBroker, version: int) -> None:
    partition = {
        "partition_index": 0,
        "committed_offset": 5,
        "committed_leader_epoch": 2,
        "committed_metadata": None,
    }
    topics = [{"name": "t", "partitions": [partition]}]
    asked = {"group_id": "g", "member_id": "m", "generation_id_or_member_epoch": 3, "topics": topics}
    assert part_of(ask(broker, 8, version, **asked)).error_code == 0
    assert broker.committed["g", "t", 0] == c.OffsetCommit("t", 0, 5, 2 if version >= 6 else -1, "")
    broker.refusing[c.CommitOffsets] = Refused(Refusal.STALE_GENERATION)
    assert part_of(ask(broker, 8, version, **asked)).error_code == 22


def fetch_offsets(broker: FakeBroker, version: int, topics: Any) -> Any:
    response = ask(
        broker, 9, version, group_id="g", topics=topics, groups=[{"group_id": "g", "topics": topics}]
    )
    return response.groups[0] if version >= 8 else response


@versions(9)
def test_committed_offsets_are_told(broker: FakeBroker, version: int) -> None:
    broker.committed["g", "t", 1] = c.OffsetCommit("t", 1, 7, 0, "note")
    found = fetch_offsets(broker, version, [{"name": "t", "partition_indexes": [0, 1]}]).topics
    told = [(p.partition_index, p.committed_offset, p.metadata, p.error_code) for p in found[0].partitions]
    assert told == [(0, -1, "", 0), (1, 7, "note", 0)]


@versions(9, since=2)
def test_all_committed_offsets_are_told(broker: FakeBroker, version: int) -> None:
    broker.committed["g", "t", 1] = c.OffsetCommit("t", 1, 7)
    broker.committed["other", "t", 0] = c.OffsetCommit("t", 0, 9)
    (topic,) = fetch_offsets(broker, version, None).topics
    assert [(p.partition_index, p.committed_offset) for p in topic.partitions] == [(1, 7)]


@versions(9)
def test_a_group_that_may_not_be_read(broker: FakeBroker, version: int) -> None:
    broker.refusing[c.FetchOffsets] = Refused(Refusal.GROUP_NOT_ALLOWED)
    found = fetch_offsets(broker, version, [{"name": "t", "partition_indexes": [0]}])
    if version >= 2:
        assert (found.error_code, found.topics) == (30, ())
    else:
        assert found.topics[0].partitions[0].error_code == 30


@versions(9, since=8)
def test_several_groups_at_once(broker: FakeBroker, version: int) -> None:
    broker.committed["b", "t", 0] = c.OffsetCommit("t", 0, 9)
    groups = [{"group_id": g, "topics": [{"name": "t", "partition_indexes": [0]}]} for g in ("a", "b")]
    found = ask(broker, 9, version, groups=groups).groups
    assert [(g.group_id, g.topics[0].partitions[0].committed_offset) for g in found] == [("a", -1), ("b", 9)]


@versions(15)
def test_groups_are_described(broker: FakeBroker, version: int) -> None:
    join(broker, 3, "m")
    known, unknown = ask(broker, 15, version, groups=["g", "absent"]).groups
    assert (known.group_state, known.protocol_type, known.protocol_data) == ("Stable", "consumer", "range")
    (member,) = known.members
    assert (member.member_id, member.client_id, member.client_host) == ("m", "test", "127.0.0.1")
    assert (unknown.error_code, unknown.group_id, unknown.group_state) == (0, "absent", "Dead")
    assert getattr(known, "authorized_operations", -(2**31)) == -(2**31)


@versions(16)
def test_groups_are_listed(broker: FakeBroker, version: int) -> None:
    join(broker, 3, "m")
    (group,) = ask(broker, 16, version, states_filter=["Stable"]).groups
    assert (group.group_id, group.protocol_type) == ("g", "consumer")
    assert getattr(group, "group_state", "Stable") == "Stable"
    assert getattr(group, "group_type", "classic") == "classic"
    call = broker.asked[-1]
    assert isinstance(call, c.ListGroups)
    assert call.states == (("Stable",) if version >= 4 else ())
    if version >= 5:
        assert len(ask(broker, 16, version, types_filter=["Classic"]).groups) == 1
        assert ask(broker, 16, version, types_filter=["consumer"]).groups == ()


@versions(42)
def test_groups_are_deleted(broker: FakeBroker, version: int) -> None:
    join(broker, 3, "m")
    results = ask(broker, 42, version, groups_names=["g", "absent"]).results
    assert [(r.group_id, r.error_code) for r in results] == [("g", 0), ("absent", 69)]
