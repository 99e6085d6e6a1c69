"""The classic group protocol, scene by scene (KIP-62, KIP-345, KIP-394, KIP-814)."""

import pytest

from penstock.broker.broker import BrokerOptions
from penstock.calls import (
    DeleteGroups,
    DescribeGroups,
    GroupInfo,
    Joined,
    LeaveGroup,
    ListGroups,
    Synced,
)
from penstock.errors import Refusal, Refused

from .bench import ME, Table, answer_of
from .people import Person, stable


def reason(answer: object) -> Refusal:
    answer = answer_of(answer)
    assert isinstance(answer, Refused), answer
    return answer.reason


def state_of(table: Table, group: str = "g") -> str:
    return str(table.ask(DescribeGroups(ME, (group,)))[0].state)


def quick(delay_ms: int = 100) -> Table:
    return Table(options=BrokerOptions(group_initial_delay_ms=delay_ms))


def test_one_member_joins_syncs_beats_and_leaves() -> None:
    table = quick()
    one = Person(table)
    joining = one.join()
    assert not joining.done
    table.later(0.1)
    joined = answer_of(joining)
    assert joined.generation == 1 and joined.leader == joined.member_id and joined.protocol == "range"
    assert [member.metadata for member in joined.members] == [b"meta"]
    assert state_of(table) == "CompletingRebalance"
    assert answer_of(one.sync({one.member_id: b"all"})) == Synced(b"all", "consumer", "range")
    assert one.beat() is None and state_of(table) == "Stable"
    assert one.leave() == [None]
    assert state_of(table) == "Empty"
    assert reason(one.beat()) is Refusal.UNKNOWN_MEMBER


def test_those_who_start_together_get_one_generation() -> None:
    table = quick(delay_ms=100)
    people = [Person(table) for _ in range(3)]
    answers = []
    for person in people:
        answers.append(person.join())
        table.later(0.09)
    assert not any(answer.done for answer in answers), "each newcomer prolongs the first gathering"
    table.later(0.2)
    joined = [answer_of(answer) for answer in answers]
    assert {one.generation for one in joined} == {1}
    assert [len(one.members) for one in joined] == [3, 0, 0]


def test_the_first_gathering_ends_with_the_rebalance_timeout_however_many_come() -> None:
    table = quick(delay_ms=100)
    first = Person(table, rebalance_timeout_ms=250).join()
    for _ in range(4):
        table.later(0.07)
        Person(table, rebalance_timeout_ms=250).join()
    assert answer_of(first).generation == 1


def test_followers_may_sync_before_their_leader() -> None:
    table = quick()
    leader, follower = Person(table), Person(table)
    answers = [leader.join(), follower.join()]
    table.later(0.3)
    assert answer_of(answers[1]).leader == leader.member_id
    waiting = follower.sync()
    assert not waiting.done
    leader.sync({leader.member_id: b"1", follower.member_id: b"2"})
    assert answer_of(waiting).assignment == b"2"
    assert answer_of(follower.sync()).assignment == b"2", "asked again, in the stable group"


def test_a_newcomer_makes_everyone_join_again() -> None:
    table = quick()
    old, new = Person(table), Person(table)
    stable(table, old)
    joining = new.join()
    assert state_of(table) == "PreparingRebalance"
    assert reason(old.beat()) is Refusal.REBALANCING
    assert reason(old.sync()) is Refusal.REBALANCING
    again = old.join()
    assert answer_of(again).generation == answer_of(joining).generation == 2
    assert answer_of(again).leader == old.member_id and len(answer_of(again).members) == 2


def test_who_does_not_join_again_in_time_is_out() -> None:
    table = quick()
    old, new = Person(table, rebalance_timeout_ms=5_000), Person(table, rebalance_timeout_ms=5_000)
    stable(table, old)
    joining = new.join()
    table.later(4.9)
    assert not joining.done
    table.later(0.2)
    assert answer_of(joining).leader == new.member_id and len(answer_of(joining).members) == 1
    assert reason(old.beat()) is Refusal.UNKNOWN_MEMBER


def test_a_silent_member_is_out_after_its_session_and_one_that_beats_stays() -> None:
    table = quick()
    loud, silent = Person(table), Person(table)
    stable(table, loud, silent)
    for _ in range(3):
        table.later(4)
        answer = loud.beat()
    assert reason(answer) is Refusal.REBALANCING
    assert reason(silent.beat()) is Refusal.UNKNOWN_MEMBER
    assert any("silent" in notice for notice in table.broker.take_notices())
    assert table.broker.take_notices() == []


def test_a_member_that_joins_and_never_syncs_is_out_after_the_rebalance_timeout() -> None:
    table = quick()
    leader, lazy = Person(table, session_timeout_ms=300_000), Person(table, session_timeout_ms=300_000)
    answers = [leader.join(), lazy.join()]
    table.later(0.3)
    assert answer_of(answers[0]).members
    leader.sync({})
    table.later(61)
    assert reason(leader.beat()) is Refusal.REBALANCING and reason(lazy.beat()) is Refusal.UNKNOWN_MEMBER


def test_a_leader_that_dies_before_its_assignment_leaves_the_others_to_rebalance() -> None:
    table = quick()
    leader, follower = Person(table), Person(table)
    answers = [leader.join(), follower.join()]
    table.later(0.3)
    assert answer_of(answers[0]).leader == leader.member_id
    waiting = follower.sync()
    leader.leave()
    assert reason(waiting) is Refusal.REBALANCING
    again = follower.join()
    assert answer_of(again).leader == follower.member_id and answer_of(again).generation == 2


def test_a_handed_out_id_must_be_used_and_holds_the_rebalance_until_it_is() -> None:
    table = quick()
    old, new = Person(table), Person(table, require_known_member=True)
    stable(table, old)
    assert reason(new.join()) is Refusal.MEMBER_ID_REQUIRED and new.member_id.startswith("client-")
    assert state_of(table) == "Stable", "an id alone disturbs nobody"
    second = Person(table).join()
    old.join()
    assert not second.done, "the id that was handed out is still expected"
    new.join()
    assert answer_of(second).generation == 2


def test_a_handed_out_id_that_is_never_used_expires() -> None:
    table = quick()
    lost, other = Person(table, require_known_member=True), Person(table)
    lost.join()
    waiting = other.join()
    table.later(10.5)
    assert answer_of(waiting).generation == 1
    assert reason(lost.join()) is Refusal.UNKNOWN_MEMBER


def test_a_member_whose_answer_was_lost_gets_it_again() -> None:
    table = quick()
    leader, follower = Person(table), Person(table)
    first = [leader.join(), follower.join()]
    table.later(0.3)
    assert leader.join() == answer_of(first[0]) and follower.join() == answer_of(first[1])
    assert state_of(table) == "CompletingRebalance"
    leader.sync({})
    follower.sync()
    assert follower.join().generation == 1, "a follower with nothing new changes nothing"
    assert not leader.join().done, "a leader that joins wants to assign anew"
    assert state_of(table) == "PreparingRebalance"


def test_a_follower_with_new_metadata_causes_a_rebalance() -> None:
    table = quick()
    leader, follower = Person(table), Person(table)
    stable(table, leader, follower)
    follower.join((("range", b"other topics"), ("sticky", b"meta")))
    assert reason(leader.beat()) is Refusal.REBALANCING


def test_the_protocol_that_most_prefer_and_all_support_is_chosen() -> None:
    table = quick()
    likes = [("a", "b", "c"), ("b", "a"), ("b", "c", "a")]
    answers = [Person(table).join(tuple((name, b"") for name in names)) for names in likes]
    table.later(0.3)
    assert {answer_of(answer).protocol for answer in answers} == {"b"}
    assert reason(Person(table).join((("c", b""),))) is Refusal.PROTOCOL_MISMATCH


def test_a_static_member_that_restarts_in_its_session_disturbs_nobody() -> None:
    table = quick()
    leader, static = Person(table, instance="i-1"), Person(table, instance="i-2")
    stable(table, leader, static)
    restarted = Person(table, instance="i-2")
    joined = restarted.join()
    assert joined.generation == 1 and restarted.member_id != static.member_id
    assert joined.leader == leader.member_id and not joined.members and not joined.skip_assignment
    assert restarted.sync().assignment == static.member_id.encode(), "its old assignment"
    assert leader.beat() is None
    assert reason(static.beat()) is Refusal.FENCED_MEMBER
    assert reason(static.join()) is Refusal.FENCED_MEMBER


def test_a_static_leader_that_restarts_is_told_not_to_assign_again() -> None:
    table = quick()
    leader = Person(table, instance="i-1")
    stable(table, leader)
    new = Person(table, instance="i-1", can_skip_assignment=True)
    joined = new.join()
    assert joined.skip_assignment and joined.leader == new.member_id and len(joined.members) == 1
    older = Person(table, instance="i-1")
    joined = older.join()
    assert joined.leader == new.member_id != older.member_id, "an old client must not believe that it leads"


def test_a_static_member_that_changes_the_protocol_causes_a_rebalance() -> None:
    table = quick()
    static = Person(table, instance="i-1")
    stable(table, static)
    joining = Person(table, instance="i-1").join((("sticky", b"meta"),))
    assert answer_of(joining).protocol == "sticky" and answer_of(joining).generation == 2


def test_a_static_member_keeps_its_place_through_a_rebalance_it_missed() -> None:
    table = quick()
    static, other = Person(table, instance="i-1", session_timeout_ms=300_000), Person(table)
    stable(table, static)
    joining = other.join()
    table.later(61)
    assert len(answer_of(joining).members) == 2 and answer_of(joining).leader == other.member_id


def test_a_group_of_absent_static_members_waits_for_one_of_them() -> None:
    table = quick()
    static = Person(table, instance="i-1", session_timeout_ms=300_000, rebalance_timeout_ms=5_000)
    other = Person(table, rebalance_timeout_ms=5_000)
    stable(table, static, other)
    other.leave()
    table.later(12)
    assert state_of(table) == "PreparingRebalance"
    assert answer_of(static.join()).generation == 2


def test_an_admin_removes_static_members_by_their_instance() -> None:
    table = quick()
    stable(table, Person(table, instance="i-1"), Person(table, instance="i-2"))
    left = table.ask(LeaveGroup(ME, "g", (("", "i-1"), ("", "nobody"), ("wrong", "i-2"))))
    assert left[0] is None
    assert [one.reason for one in left[1:]] == [Refusal.UNKNOWN_MEMBER, Refusal.FENCED_MEMBER]


def test_many_may_leave_in_one_request_and_cause_one_rebalance() -> None:
    table = quick()
    people = [Person(table) for _ in range(3)]
    stable(table, *people)
    before = table.broker.measures()["penstock_group_rebalances_total"]
    ids = tuple((person.member_id, None) for person in people[:2])
    assert table.ask(LeaveGroup(ME, "g", (*ids, ids[0]))) == [
        None, None, Refused(Refusal.UNKNOWN_MEMBER, people[0].member_id)
    ]  # fmt: skip
    assert table.broker.measures()["penstock_group_rebalances_total"] == before + 1
    assert reason(people[2].beat()) is Refusal.REBALANCING


def test_stale_generations_and_strangers_are_refused() -> None:
    table = quick()
    one = Person(table)
    stable(table, one)
    one.generation = 7
    assert reason(one.beat()) is reason(one.sync()) is Refusal.STALE_GENERATION
    one.generation, one.member_id = 1, "stranger"
    assert reason(one.beat()) is reason(one.sync()) is reason(one.join()) is Refusal.UNKNOWN_MEMBER
    assert one.leave()[0].reason is Refusal.UNKNOWN_MEMBER
    nowhere = Person(table, group="nowhere")
    assert reason(nowhere.beat()) is reason(nowhere.sync()) is Refusal.UNKNOWN_MEMBER
    assert nowhere.leave()[0].reason is Refusal.UNKNOWN_MEMBER


def test_a_sync_that_speaks_of_another_protocol_is_refused() -> None:
    table = quick()
    one = Person(table)
    stable(table, one)
    assert reason(one.sync(protocol="sticky")) is Refusal.PROTOCOL_MISMATCH
    assert reason(one.sync(protocol_type="connect")) is Refusal.PROTOCOL_MISMATCH
    assert one.sync(protocol="range", protocol_type="consumer").protocol == "range"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"session_timeout_ms": 5_999}, Refusal.BAD_SESSION_TIMEOUT),
        ({"session_timeout_ms": 1_800_001}, Refusal.BAD_SESSION_TIMEOUT),
        ({"protocols": ()}, Refusal.PROTOCOL_MISMATCH),
    ],
)
def test_joins_that_no_group_takes(how: dict[str, object], why: Refusal) -> None:
    table = quick()
    assert reason(Person(table).join(**how)) is why
    assert table.ask(ListGroups(ME)) == (), "a refused join leaves no group behind"


def test_a_group_needs_a_name_and_has_a_largest_size() -> None:
    table = Table(options=BrokerOptions(group_members_max=2, groups_max=1))
    assert reason(Person(table, group="").join()) is Refusal.BAD_GROUP
    people = [Person(table), Person(table)]
    stable(table, *people)
    assert reason(Person(table).join()) is Refusal.GROUP_FULL
    assert reason(Person(table, group="second").join()) is Refusal.GROUP_FULL
    assert not people[0].join().done, "its members may always come back"


def test_a_second_join_of_a_member_answers_its_first() -> None:
    table = quick()
    old = Person(table)
    stable(table, old)
    Person(table).join()
    Person(table, require_known_member=True).join()
    first, second = old.join(), old.join()
    assert reason(first) is Refusal.REBALANCING and not second.done


def test_a_newcomer_that_waits_longer_than_five_minutes_is_let_go() -> None:
    table = quick()
    old = Person(table, rebalance_timeout_ms=1_000_000, session_timeout_ms=1_000_000)
    stable(table, old)
    waiting = Person(table).join()
    table.later(301)
    assert reason(waiting) is Refusal.UNKNOWN_MEMBER


def test_groups_are_listed_described_and_deleted() -> None:
    table = quick()
    one = Person(table, group="busy", client="app")
    stable(table, one)
    gone = Person(table, group="idle")
    stable(table, gone)
    gone.leave()
    assert table.ask(ListGroups(ME)) == (
        GroupInfo("busy", "Stable", "consumer"), GroupInfo("idle", "Empty", "consumer")
    )  # fmt: skip
    assert [g.group for g in table.ask(ListGroups(ME, ("stable",)))] == ["busy"]
    busy, unknown = table.ask(DescribeGroups(ME, ("busy", "unknown")))
    assert busy.protocol == "range" and busy.members[0].client_id == "app"
    assert busy.members[0].assignment == one.member_id.encode() and busy.members[0].metadata == b"meta"
    assert unknown == GroupInfo("unknown", "Dead", "")
    deleted = table.ask(DeleteGroups(ME, ("busy", "idle", "unknown")))
    assert deleted[1] is None
    assert [deleted[0].reason, deleted[2].reason] == [Refusal.GROUP_NOT_EMPTY, Refusal.NO_GROUP]
    assert [g.group for g in table.ask(ListGroups(ME))] == ["busy"]


def test_a_first_generation_needs_no_delay_where_none_is_set() -> None:
    joined = answer_of(Person(quick(delay_ms=0)).join())
    assert isinstance(joined, Joined) and joined.generation == 1


def test_a_member_that_waits_for_the_others_does_not_have_to_beat() -> None:
    table = quick()
    waits, absent = Person(table, session_timeout_ms=6_000), Person(table, session_timeout_ms=60_000)
    stable(table, waits, absent)
    new = Person(table).join()
    again = waits.join()
    table.later(30)
    assert not again.done
    absent.join()
    assert len(answer_of(again).members) == 3 and answer_of(new).generation == 2


def test_a_rebalance_goes_on_when_a_handed_out_id_expires_or_is_given_back() -> None:
    for give_back in (False, True):
        table = quick()
        old, lost = Person(table), Person(table, require_known_member=True)
        stable(table, old)
        lost.join()
        Person(table).join()
        again = old.join()
        assert not again.done
        if give_back:
            assert lost.leave() == [None]
        else:
            table.later(10.1)
        assert answer_of(again).generation == 2


def test_who_changes_its_protocols_changes_what_newcomers_must_support() -> None:
    for instance in (None, "i-1"):
        table = quick()
        one = Person(table, instance=instance)
        stable(table, one)
        if instance:
            one = Person(table, instance=instance)
        one.join((("sticky", b"meta"),))
        assert reason(Person(table).join((("range", b"meta"),))) is Refusal.PROTOCOL_MISMATCH
        assert not Person(table).join((("sticky", b"meta"),)).done


def test_a_static_member_that_restarts_still_owes_its_sync() -> None:
    table = quick()
    leader = Person(table, session_timeout_ms=300_000)
    lazy = Person(table, instance="i-1", session_timeout_ms=300_000)
    answers = [leader.join(), lazy.join()]
    table.later(0.3)
    assert answer_of(answers[0]).members
    leader.sync({})
    restarted = Person(table, instance="i-1", session_timeout_ms=300_000)
    assert restarted.join().generation == 1
    table.later(61)
    assert reason(restarted.beat()) is Refusal.UNKNOWN_MEMBER


def test_ids_that_are_handed_out_and_not_used_are_bounded() -> None:
    table = Table(options=BrokerOptions(group_members_max=3))
    Person(table).join()
    answers = [Person(table, require_known_member=True).join() for _ in range(5)]
    assert [reason(answer) for answer in answers].count(Refusal.MEMBER_ID_REQUIRED) == 3
    assert reason(answers[-1]) is Refusal.GROUP_FULL
