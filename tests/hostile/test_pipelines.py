"""Requests sent behind one that waits begin when it is answered: in the middle of what another client has set off."""

import contextlib
import time
from typing import Any

import pytest

from penstock.testing.processes import BrokerProcess
from penstock.wire.kafka.codec import decode_response
from tests.hostile.siege import siege
from tests.hostile.wire import FETCH, JOIN_GROUP, Line
from tests.wire.driving import request

SYNC_GROUP, LEAVE_GROUP, REBALANCING = 14, 13, 27
GROUP = "pipelined"
ME = {"group_id": GROUP, "protocol_type": "consumer"}


def join(member: str, data: bytes) -> bytes:
    how = {"session_timeout": 6000, "rebalance_timeout": 2000, "member_id": member}
    return request(JOIN_GROUP, 3, 1, "c", **ME, **how, protocols=[{"name": "range", "metadata": data}])


def sync(member: str, generation: int) -> bytes:
    who = {"group_id": GROUP, "member_id": member, "generation_id": generation}
    return request(SYNC_GROUP, 2, 2, "c", **who, assignments=[])


def leave(member: str) -> bytes:
    return request(LEAVE_GROUP, 2, 4, "c", group_id=GROUP, member_id=member)


def answer(line: Line, key: int, version: int) -> Any:
    return decode_response(key, version, line.receive())[1]


def all_joined(lines: list[Line]) -> list[tuple[Line, Any]]:
    """Members of one generation, each with what it was told; the leader first."""
    for line in lines:
        line.send(join("", b"1"))
    told = [(line, answer(line, JOIN_GROUP, 3)) for line in lines]
    assert len({joined.generation_id for _, joined in told}) == 1
    return sorted(told, key=lambda each: each[1].member_id != each[1].leader)


@pytest.mark.parametrize("leaves", [True, False])
def test_what_waits_behind_an_answer_does_not_meet_a_group_half_rebalanced(
    besieged: BrokerProcess, leaves: bool
) -> None:
    """A follower's sync is refused because its leader goes or joins anew; behind it stands a join, kept back by a fetch.

    A third member is silent, so that the rebalance is still under way.
    """
    fetch = request(FETCH, 4, 3, "c", replica_id=-1, max_wait=0, min_bytes=0, max_bytes=1, topics=[])
    with contextlib.ExitStack() as stack:
        stack.enter_context(siege(besieged))
        lines = [stack.enter_context(Line(besieged.address)) for _ in range(3)]
        (leader, leading), (follower, following), (silent, missing) = all_joined(lines)
        name, generation = following.member_id, following.generation_id
        follower.send(sync(name, generation) + fetch + join(name, b"new"))
        time.sleep(0.2)  # on another connection, what is sent later may come first
        leader.send(leave(leading.member_id) if leaves else join(leading.member_id, b"new"))
        assert answer(follower, SYNC_GROUP, 2).error_code == REBALANCING
        assert answer(follower, FETCH, 4).responses == ()
        silent.send(leave(missing.member_id))
        assert answer(silent, LEAVE_GROUP, 2).error_code == 0
        joined = answer(follower, JOIN_GROUP, 3)
        assert joined.error_code == 0 and joined.generation_id == generation + 1
        if not leaves:
            assert answer(leader, JOIN_GROUP, 3).generation_id == generation + 1
            leader.send(leave(leading.member_id))
        assert answer(leader, LEAVE_GROUP, 2).error_code == 0
        follower.send(leave(name))
        assert answer(follower, LEAVE_GROUP, 2).error_code == 0
