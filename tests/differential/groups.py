"""Scenarios of groups: who may join, what a rebalance does to each, and when a member is out."""

import time
from typing import Any

from tests.beside.running import Scenario
from tests.differential.asking import Connection, create
from tests.differential.grouping import Member, alone, described, pair, rejoin

PREPARING, COMPLETING, STABLE, EMPTY = "PreparingRebalance", "CompletingRebalance", "Stable", "Empty"


def a_newcomer_without_a_name_is_given_one_first(c: Connection, group: str) -> Any:
    member = Member(c, group)
    first = member.join(version=5)
    name = member.name
    second = member.join(version=5)
    return [first, bool(name), second, member.name == name, member.join(version=9), described(c, group)]


def an_old_client_is_let_in_at_once(c: Connection, group: str) -> Any:
    member = Member(c, group)
    return [
        member.join(version=0),
        member.sync(member),
        described(c, group),
        member.leave(),
        described(c, group),
    ]


def a_second_member_makes_the_group_rebalance(c: Connection, group: str) -> Any:
    create(c, group)
    one, other = alone(c, group), Member(c, group)
    other.begin_join()
    other.c.until_group(group, PREPARING)
    heard = [one.beat(), one.sync(one), one.commit(group, 1)]
    one.begin_join()
    told = [one.joined(), other.joined()]
    other.begin_sync()
    synced = [one.sync(one, other), other.synced()]
    return [heard, told, synced, [one.beat(), other.beat()], described(c, group)]


def a_generation_that_is_over_is_refused(c: Connection, group: str) -> Any:
    create(c, group)
    one, _ = pair(c, group)
    return [one.beat(generation_id=1), one.sync(one, generation_id=1), one.commit(group, 1, generation_id_or_member_epoch=1),
            one.beat(generation_id=9), one.beat()]  # fmt: skip


def between_join_and_sync_nothing_may_be_committed(c: Connection, group: str) -> Any:
    create(c, group)
    member = Member(c, group)
    joined = member.join()
    return [joined, member.commit(group, 1), member.beat(), member.sync(member), member.commit(group, 1)]


def a_member_joins_while_assignments_are_made(c: Connection, group: str) -> Any:
    one, other = Member(c, group), Member(c, group)
    one.join()
    other.begin_join()
    other.c.until_group(group, PREPARING)
    late = one.sync(one)
    one.begin_join()
    return [late, one.joined(), other.joined()]


def a_follower_waits_for_the_leader_s_word(c: Connection, group: str) -> Any:
    one, other = alone(c, group), Member(c, group)
    rejoin(one, other)
    other.begin_sync()
    time.sleep(0.2)
    third = Member(c, group)
    third.begin_join()
    third.c.until_group(group, PREPARING)
    cut = other.synced()
    one.begin_join()
    other.begin_join()
    return [cut, one.joined()[:4], other.joined()[:4], third.joined()[:4]]


def a_follower_that_joins_again_is_told_the_same(c: Connection, group: str) -> Any:
    _, other = pair(c, group)
    same = other.join()
    other.protocols = [("range", b"new")]
    other.begin_join()
    state = other.c.until_group(group, PREPARING)
    return [same, state]


def a_leader_that_joins_again_makes_the_group_rebalance(c: Connection, group: str) -> Any:
    one, other = pair(c, group)
    one.begin_join()
    state = one.c.until_group(group, PREPARING)
    other.begin_join()
    return [state, other.joined(), one.joined()]


def members_without_a_protocol_that_all_know_are_refused(c: Connection, group: str) -> Any:
    member = Member(c, group)
    member.protocols = [("range", b"1"), ("sticky", b"2")]
    member.join(version=5)
    joined = member.join(version=5)
    stranger, worker = Member(c, group), Member(c, group)
    stranger.protocols, worker.kind = [("other", b"")], "connect"
    wrong = [
        {"protocol_type": "connect", "protocol_name": "range"},
        {"protocol_type": "consumer", "protocol_name": "odd"},
    ]
    return [joined, stranger.join(), worker.join(), [member.sync(member, version=5, **each) for each in wrong],
            member.sync(member, version=5, protocol_type="consumer", protocol_name="range")]  # fmt: skip


def the_protocol_that_most_vote_for_is_chosen(c: Connection, group: str) -> Any:
    one, two, three = (Member(c, group) for _ in range(3))
    one.protocols = [("a", b"1a"), ("b", b"1b"), ("c", b"1c")]
    two.protocols = [("c", b"2c"), ("b", b"2b")]
    three.protocols = [("b", b"3b"), ("c", b"3c")]
    first = one.join()
    two.begin_join()
    two.c.until_group(group, PREPARING)
    three.begin_join()
    time.sleep(0.2)
    one.begin_join()
    return [first, one.joined(), two.joined(), three.joined()]


def a_group_has_a_largest_size(c: Connection, group: str) -> Any:
    one = alone(c, group)
    others = [Member(c, group) for _ in range(4)]
    for member in others:
        member.begin_join()
        time.sleep(0.05)
    time.sleep(0.2)
    one.begin_join()
    told = [one.joined()[0], *(member.joined()[0] for member in others)]
    sixth = Member(c, group)
    return [told, sixth.join()[0], sixth.join(version=5)[0]]


def a_member_that_is_silent_is_out(c: Connection, group: str) -> Any:
    member = alone(c, group, session_ms=700)
    state = c.until_group(group, EMPTY)
    return [state, member.beat(), member.sync(member), member.join()[0], described(c, group)]


def the_others_go_on_without_a_silent_member(c: Connection, group: str) -> Any:
    one, other = alone(c, group), Member(c, group)
    other.session_ms = 2500
    rejoin(one, other)
    other.begin_sync()
    one.sync(one, other)
    other.synced()
    state = c.until_group(group, PREPARING)
    return [state, one.beat(), one.join(), one.sync(one), other.beat()]


def who_does_not_join_again_in_time_is_left_out(c: Connection, group: str) -> Any:
    one, other = Member(c, group), Member(c, group)
    one.rebalance_ms = other.rebalance_ms = 1500
    one.join()
    one.sync(one)
    other.begin_join()
    other.c.until_group(group, PREPARING)
    state = c.until_group(group, COMPLETING)
    return [state, other.joined(), one.beat()]


def who_does_not_sync_in_time_is_left_out(c: Connection, group: str) -> Any:
    member = Member(c, group)
    member.rebalance_ms = 1000
    joined = member.join()
    state = c.until_group(group, EMPTY)
    return [joined, state, member.sync(member), member.beat()]


def a_name_that_was_given_and_not_used_is_void_in_time(c: Connection, group: str) -> Any:
    one, new = alone(c, group), Member(c, group)
    new.session_ms = 600
    given = new.join(version=5)
    time.sleep(1.2)
    return [given, new.join(version=5), one.beat()]


def a_name_that_was_given_is_given_back(c: Connection, group: str) -> Any:
    one, new = alone(c, group), Member(c, group)
    given = new.join(version=5)
    return [given, new.leave(), new.join(version=5), one.beat()]


def a_static_member_comes_back_and_fences_its_old_self(c: Connection, group: str) -> Any:
    create(c, group)
    old = alone(c, group, instance="i")
    new = Member(c, group, instance="i")
    back = new.join(version=5)
    return [
        back, new.name != old.name, new.sync(version=3), old.beat(), old.sync(old), old.join(version=5),
        old.commit(group, 1), old.leave(), new.beat(), described(c, group),
    ]  # fmt: skip


def a_static_leader_comes_back_with_news(c: Connection, group: str) -> Any:
    alone(c, group, instance="i")
    new, newer = Member(c, group, instance="i"), Member(c, group, instance="i")
    same = new.join(version=9)
    newer.protocols = [("range", b"news")]
    return [same, newer.join(version=9), described(c, group)]


def static_members_are_named_by_their_instance(c: Connection, group: str) -> Any:
    one = alone(c, group, instance="i")
    return [
        one.beat(group_instance_id="other"), one.beat(member_id=""), one.beat(group_instance_id=None),
        one.leave(("", "other")), one.leave((one.name, "other")), one.leave(("nobody", None), ("", "i"), ("", "i")),
        described(c, group),
    ]  # fmt: skip


def a_static_member_may_be_away_for_its_session(c: Connection, group: str) -> Any:
    one = alone(c, group, instance="i", session_ms=1500)
    one.c.socket.close()
    one.c = c.other()
    time.sleep(0.3)
    here = described(c, group)["group_state"]
    return [here, c.until_group(group, EMPTY), one.join(version=5)]


def a_group_without_a_name_is_refused(c: Connection, group: str) -> Any:
    create(c, group)
    nameless = Member(c, "")
    nameless.name = "m"
    part = {
        "partition_index": 0,
        "committed_offset": 1,
        "committed_leader_epoch": -1,
        "committed_metadata": "",
    }
    commit = c.ask(8, 7, group_id="", generation_id_or_member_epoch=-1, member_id="", group_instance_id=None,
                   topics=[{"name": group, "partitions": [part]}])  # fmt: skip
    found = c.ask(9, 7, group_id="", topics=[{"name": group, "partition_indexes": [0]}], require_stable=False)
    gone = c.ask(47, 0, group_id="", topics=[{"name": group, "partitions": [{"partition_index": 0}]}])
    return [
        nameless.beat(), nameless.sync(nameless), nameless.leave(), commit["topics"][0]["partitions"][0]["error_code"],
        found["error_code"], gone["error_code"], c.ask(42, 2, groups_names=[""])["results"][0]["error_code"],
        c.ask(15, 5, groups=[""], include_authorized_operations=False)["groups"][0]["error_code"],
    ]  # fmt: skip


def a_group_with_members_is_not_deleted(c: Connection, group: str) -> Any:
    one = alone(c, group)
    refused = c.ask(42, 2, groups_names=[group])
    one.leave()
    return [refused, c.ask(42, 2, groups_names=[group]), one.beat()]


def groups_are_listed_by_their_state(c: Connection, group: str) -> Any:
    one = alone(c, group)
    alone(c, f"{group}-gone").leave()

    def listed(version: int, **filters: Any) -> Any:
        answer = c.ask(16, version, **filters)
        return [
            answer["error_code"],
            sorted((g for g in answer["groups"] if g["group_id"].startswith(group)), key=str),
        ]

    return [
        listed(0), listed(3), listed(4, states_filter=["Stable"]), listed(4, states_filter=["Empty", "Odd"]),
        listed(5, states_filter=["stable"], types_filter=[]), listed(5, states_filter=[], types_filter=["classic"]),
        listed(5, states_filter=[], types_filter=["consumer"]), one.leave(),
    ]  # fmt: skip


def a_group_of_another_kind_is_described_as_it_is(c: Connection, group: str) -> Any:
    create(c, group)
    one = alone(c, group, kind="connect", protocols=[("compatible", b"c")])
    return [described(c, group), one.commit(group, 1), one.leave()]


GROUPS: tuple[Scenario, ...] = (
    a_newcomer_without_a_name_is_given_one_first,
    an_old_client_is_let_in_at_once,
    a_second_member_makes_the_group_rebalance,
    a_generation_that_is_over_is_refused,
    between_join_and_sync_nothing_may_be_committed,
    a_member_joins_while_assignments_are_made,
    a_follower_waits_for_the_leader_s_word,
    a_follower_that_joins_again_is_told_the_same,
    a_leader_that_joins_again_makes_the_group_rebalance,
    members_without_a_protocol_that_all_know_are_refused,
    the_protocol_that_most_vote_for_is_chosen,
    a_group_has_a_largest_size,
    a_member_that_is_silent_is_out,
    the_others_go_on_without_a_silent_member,
    who_does_not_join_again_in_time_is_left_out,
    who_does_not_sync_in_time_is_left_out,
    a_name_that_was_given_and_not_used_is_void_in_time,
    a_name_that_was_given_is_given_back,
    a_static_member_comes_back_and_fences_its_old_self,
    a_static_leader_comes_back_with_news,
    static_members_are_named_by_their_instance,
    a_static_member_may_be_away_for_its_session,
    a_group_without_a_name_is_refused,
    a_group_with_members_is_not_deleted,
    groups_are_listed_by_their_state,
    a_group_of_another_kind_is_described_as_it_is,
)
