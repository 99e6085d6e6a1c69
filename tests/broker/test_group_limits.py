"""What the members of groups hold is counted and bounded; joins of thousands are quick."""

import random
from typing import Any

from penstock.broker.groups.group import Group
from penstock.broker.options import BrokerOptions
from penstock.calls import Joined
from penstock.errors import Refusal, Refused

from .bench import Table, answer_of
from .people import Person, stable

KIB = 1024


def table_of(**options: int) -> Table:
    return Table(options=BrokerOptions(group_initial_delay_ms=100, **options))


def groups_of(table: Table) -> Any:
    return table.broker._state.groups


def counted(table: Table) -> int:
    """What is held, counted anew."""
    groups: list[Group] = list(groups_of(table).by_name.values())
    members = sum(member.size_bytes for group in groups for member in group.members.values())
    return members + sum(150 + len(name) for group in groups for name in group.pending)


def held(table: Table) -> int:
    return int(table.broker.measures()["penstock_group_bytes"])


# --- all groups together ----------------------------------------------------------------------------------------------


def test_members_that_say_more_than_there_is_room_for_are_refused() -> None:
    table = table_of(groups_bytes_max=60 * KIB)
    people = [Person(table, f"g{number}") for number in range(4)]
    answers = [one.join((("range", bytes(20 * KIB)),)) for one in people]
    table.later(0.3)
    found = [answer_of(answer) for answer in answers]
    assert [isinstance(one, Joined) for one in found] == [True, True, False, False]
    assert isinstance(found[2], Refused) and found[2].reason is Refusal.GROUP_FULL
    assert "g2" not in groups_of(table).by_name, "who is refused leaves no group behind"
    people[0].leave()
    assert not isinstance(people[2].join((("range", bytes(20 * KIB)),)), Refused)


def test_a_member_may_join_again_with_as_much_and_not_with_more() -> None:
    table = table_of(groups_bytes_max=64 * KIB)
    one = Person(table)
    stable(table, one)
    assert not isinstance(one.join((("range", bytes(50 * KIB)),)), Refused)
    table.later(0.3)
    assert not isinstance(one.join((("range", bytes(50 * KIB)),)), Refused)
    table.later(0.3)
    refused = one.join((("range", bytes(70 * KIB)),))
    assert isinstance(refused, Refused) and refused.reason is Refusal.GROUP_FULL
    assert not isinstance(one.join(), Refused)


def test_many_small_protocols_count_for_what_they_cost() -> None:
    table = table_of(groups_bytes_max=64 * KIB)
    refused = Person(table).join(tuple((str(number), b"") for number in range(500)))
    assert isinstance(refused, Refused) and refused.reason is Refusal.GROUP_FULL


def test_ids_that_were_handed_out_count_until_they_are_used_or_void() -> None:
    table = table_of()
    one, other = (Person(table, client="c" * 1000, require_known_member=True) for _ in range(2))
    for person in (one, other):
        person.join()
    assert held(table) == counted(table) > 2000
    one.join()
    other.leave()
    assert held(table) == counted(table)
    one.leave()
    table.later(400)
    assert held(table) == counted(table) == 0


# --- one group --------------------------------------------------------------------------------------------------------


def two_to_be_assigned(table: Table) -> tuple[Person, Person]:
    people = (Person(table), Person(table))
    for person in people:
        person.join()
    table.later(0.3)
    return people


def test_an_assignment_that_is_too_large_is_refused_for_all_and_they_join_again() -> None:
    table = table_of(message_bytes_max=100 * KIB)
    leader, other = two_to_be_assigned(table)
    waiting = other.sync()
    refused = answer_of(leader.sync({leader.member_id: bytes(60 * KIB), other.member_id: bytes(60 * KIB)}))
    assert isinstance(refused, Refused) and refused.reason is Refusal.GROUP_TOO_LARGE
    assert answer_of(waiting) == refused
    assert isinstance(leader.beat(), Refused) and leader.beat().reason is Refusal.REBALANCING
    for person in (leader, other):
        person.join()
    table.later(0.3)
    assert held(table) == counted(table)
    waiting = other.sync()
    leader.sync({leader.member_id: bytes(40 * KIB), other.member_id: bytes(40 * KIB)})
    assert len(answer_of(waiting).assignment) == 40 * KIB
    assert held(table) == counted(table) > 80 * KIB


def test_an_assignment_beyond_what_all_groups_may_hold_is_refused() -> None:
    table = table_of(groups_bytes_max=64 * KIB)
    one = Person(table)
    one.join()
    table.later(0.3)
    refused = answer_of(one.sync({one.member_id: bytes(70 * KIB)}))
    assert isinstance(refused, Refused) and refused.reason is Refusal.GROUP_TOO_LARGE


def test_what_is_assigned_to_nobody_is_not_kept() -> None:
    table = table_of(message_bytes_max=100 * KIB)
    one = Person(table)
    one.join()
    table.later(0.3)
    found = answer_of(one.sync({"nobody": bytes(200 * KIB), one.member_id: b"mine"}))
    assert found.assignment == b"mine"
    assert held(table) == counted(table) < 5 * KIB


def test_protocols_that_nobody_supports_any_more_are_forgotten() -> None:
    table = table_of()
    one = Person(table)
    for number in range(5):
        one.join(((f"p{number}", b""), (f"p{number + 1}", b"")))
        table.later(0.3)
    assert set(groups_of(table).get("g")._supported) == {"p4", "p5"}


# --- whatever happens -------------------------------------------------------------------------------------------------


def test_what_is_counted_is_what_is_held_whatever_members_do() -> None:
    for seed in range(15):
        chance, table = random.Random(seed), table_of(group_members_max=4)
        people = [
            Person(table, f"g{n % 2}", f"i{n}" if n % 3 == 0 else None, require_known_member=n % 3 == 1)
            for n in range(8)
        ]
        for _ in range(120):
            one = chance.choice(people)
            match chance.randrange(5):
                case 0 | 1:
                    one.join((("range", bytes(chance.randrange(900))), (f"p{chance.randrange(9)}", b"")))
                case 2:
                    names = [p.member_id for p in people]
                    one.sync({name: bytes(chance.randrange(900)) for name in names})
                case 3:
                    one.leave()
                case 4:
                    table.later(chance.choice((0.05, 0.3, 20.0)))
            assert held(table) == counted(table)
            for group in groups_of(table).by_name.values():
                assert group.joining == sum(member.joining is not None for member in group.members.values())


class Watched(dict[str, Any]):
    """Members that count how often somebody walks through them."""

    walks = 0

    def values(self) -> Any:
        self.walks += 1
        return super().values()


def test_who_joins_while_others_wait_is_let_in_without_a_look_at_each_of_them() -> None:
    table = table_of()
    first = Person(table)
    stable(table, first)
    Person(table).join()  # a rebalance: it waits for the first member
    group = groups_of(table).get("g")
    group.members = members = Watched(group.members)
    for _ in range(50):
        Person(table).join()
    assert (members.walks, group.joining, len(members)) == (0, 51, 52)
    first.join()
    assert group.stage.value == "CompletingRebalance" and members.walks < 20
