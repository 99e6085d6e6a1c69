"""Random interleavings of everything that clients of a group can do, held against what must always be true.

Each step is one thing one client does, in or out of turn, or time that passes. Clients lose answers, restart,
come back under old ids and fall silent. Afterwards the living behave: then the group must settle.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.broker.broker import BrokerOptions
from penstock.calls import DescribeGroups, Joined, Synced
from penstock.errors import Refusal, Refused
from penstock.later import Later

from .bench import ME, Table, answer_of
from .people import Person

PEOPLE = 5
STATIC = {3: "i-3", 4: "i-4"}
PROTOCOLS = [
    (("a", b"1"), ("b", b"1")),
    (("b", b"1"), ("a", b"1")),
    (("b", b"2"), ("c", b"2"), ("a", b"2")),
]
REJOIN = {Refusal.REBALANCING, Refusal.STALE_GENERATION, Refusal.MEMBER_ID_REQUIRED}


class World:
    """The clients, everything they were ever told, and the checks on it."""

    def __init__(self) -> None:
        self.table = Table(options=BrokerOptions(group_initial_delay_ms=100, group_members_max=4))
        self.people = [self.newborn(number) for number in range(PEOPLE)]
        self.waiting: list[Later[Any]] = []
        self.protocol_of: dict[int, str] = {}
        self.leader_of: dict[int, str] = {}
        self.assigned: dict[tuple[int, str], bytes] = {}
        self.generation = 0

    def newborn(self, number: int) -> Person:
        how = {"session_timeout_ms": 6_000 + 3_000 * number, "rebalance_timeout_ms": 5_000 + 4_000 * number}
        return Person(
            self.table, instance=STATIC.get(number), require_known_member=number == 1,
            can_skip_assignment=number == 3, **how,
        )  # fmt: skip

    # --- what clients do -----------------------------------------------------------------------------------------

    def join(self, number: int, choice: int) -> None:
        person = self.people[number]
        self.follow(person.join(PROTOCOLS[choice % len(PROTOCOLS)]), self.joined)

    def sync(self, number: int, choice: int) -> None:
        """Everyone sends an assignment; only the leader's may count."""
        person = self.people[number]
        said = self.sent(person.generation, person.member_id)
        everyone = {
            other.member_id: said + other.member_id.encode() for other in self.people if other.member_id
        }
        asked = person.generation, person.member_id
        self.follow(person.sync(everyone), lambda answer: self.synced(asked, answer))

    def beat(self, number: int, choice: int) -> None:
        answer = self.people[number].beat()
        assert answer is None or isinstance(answer, Refused)

    def leave(self, number: int, choice: int) -> None:
        self.people[number].leave()

    def restart(self, number: int, choice: int) -> None:
        """The client forgets who it was."""
        self.people[number] = self.newborn(number)

    def wait(self, number: int, choice: int) -> None:
        self.table.later([0.05, 0.2, 3, 7, 20][choice % 5])

    # --- what must be true ---------------------------------------------------------------------------------------

    def follow(self, answer: Any, check: Any) -> None:
        if isinstance(answer, Later):
            self.waiting.append(answer)
            answer.watch(check)
        else:
            check(answer)

    def sent(self, generation: int, sender: str) -> bytes:
        return f"{generation} by {sender} for ".encode()

    def joined(self, answer: Joined | Refused) -> None:
        if isinstance(answer, Refused):
            return
        now = answer.generation
        assert now >= self.generation, "generations only grow"
        self.generation = now
        assert self.protocol_of.setdefault(now, answer.protocol) == answer.protocol, (
            "one protocol a generation"
        )
        if answer.members:
            assert answer.leader == answer.member_id
            ids = [member.member_id for member in answer.members]
            assert len(set(ids)) == len(ids) <= 4 and answer.member_id in ids
            instances = [member.instance_id for member in answer.members if member.instance_id]
            assert len(set(instances)) == len(instances), "one member an instance"
            if not answer.skip_assignment:
                assert self.leader_of.setdefault(now, answer.leader) == answer.leader, (
                    "one leader a generation"
                )

    def synced(self, asked: tuple[int, str], answer: Synced | Refused) -> None:
        if isinstance(answer, Refused):
            return
        generation = asked[0]
        assert answer.protocol == self.protocol_of[generation]
        if answer.assignment:
            assert answer.assignment.startswith(self.sent(generation, self.leader_of[generation]))
        assert self.assigned.setdefault(asked, answer.assignment) == answer.assignment, (
            "one assignment a generation"
        )

    def look(self) -> None:
        """The group as an admin sees it is never a mixture."""
        shown = self.table.ask(DescribeGroups(ME, ("g",)))[0]
        empty = not shown.members
        assert empty == (shown.state in ("Empty", "Dead")) or shown.state == "PreparingRebalance"
        due_s = self.table.broker.next_wake_s(self.table.now)
        assert due_s is not None and due_s >= 0

    # --- afterwards ----------------------------------------------------------------------------------------------

    def behave(self, living: list[int]) -> None:
        """Clients as they are written: join until told of a generation, sync, beat; start anew when unknown."""
        latest: dict[int, Any] = dict.fromkeys(living)
        for _ in range(200):
            for number in living:
                latest[number] = self.turn(number, latest[number])
            self.table.later(0.5)
        generations = {self.people[number].generation for number in living}
        assert all(self.people[number].beat() is None for number in living), "everyone is content"
        assert len(generations) == 1
        shown = self.table.ask(DescribeGroups(ME, ("g",)))[0]
        assert shown.state == "Stable"
        assert {m.member_id for m in shown.members} == {self.people[number].member_id for number in living}

    def turn(self, number: int, latest: Any) -> Any:
        person = self.people[number]
        if isinstance(latest, Later) and not latest.done:
            return latest
        answer = answer_of(latest)
        if isinstance(answer, Joined):
            everyone = {member.member_id: b"x" for member in answer.members}
            return person.sync({} if answer.skip_assignment else everyone)
        if isinstance(answer, Refused) and answer.reason not in REJOIN:
            person = self.people[number] = self.newborn(number)
        if isinstance(answer, Refused) or latest is None:
            return person.join(PROTOCOLS[0])
        beat = person.beat()
        return answer if beat is None else beat


STEPS = (World.join, World.sync, World.beat, World.leave, World.restart, World.wait)
step = st.tuples(
    st.sampled_from((0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 5)), st.integers(0, PEOPLE - 1), st.integers(0, 14)
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(step, min_size=5, max_size=60))
def test_whatever_clients_do_the_rules_hold_and_nobody_waits_for_ever(
    steps: list[tuple[int, int, int]],
) -> None:
    world = World()
    for kind, number, choice in steps:
        STEPS[kind](world, number, choice)
        world.look()
    world.table.later(400)
    assert all(later.done for later in world.waiting), "everyone was answered"
    assert world.table.ask(DescribeGroups(ME, ("g",)))[0].state in ("Empty", "Dead"), "all fell silent"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(step, max_size=40), st.sets(st.integers(0, PEOPLE - 1), min_size=1, max_size=4))
def test_after_any_history_those_who_behave_become_stable(
    steps: list[tuple[int, int, int]], living: set[int]
) -> None:
    world = World()
    for kind, number, choice in steps:
        STEPS[kind](world, number, choice)
    world.behave(sorted(living))
