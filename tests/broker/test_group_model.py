"""Whatever clients of a group do, each answer, and when it comes, is the model's."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from penstock.broker.broker import BrokerOptions
from penstock.calls import DescribeGroups, Joined, Synced
from penstock.errors import Refused
from penstock.later import Later

from .bench import ME, Table
from .group_model import Answer, Known, Model
from .people import Person

PEOPLE = 4
PROTOCOLS = (
    (("a", b"1"), ("b", b"1")),
    (("b", b"1"), ("a", b"1")),
    (("b", b"2"), ("c", b"2"), ("a", b"2")),
    (("c", b"3"),),
)


class Both:
    """The broker's group and the model, asked the same. A client that starts anew is a new number."""

    def __init__(self) -> None:
        self.table = Table(options=BrokerOptions())
        self.model, self.begun_s = Model(), self.table.now.mono_s
        self.people: dict[int, Person] = {}
        self.numbers = [self.newborn(hand_out=place == 1) for place in range(PEOPLE)]
        self.got: list[tuple[int, str, Answer]] = []

    def newborn(self, hand_out: bool) -> int:
        """No two timeouts are alike, so that no two things are ever due at once."""
        number = len(self.people)
        how = {"session_timeout_ms": 9_000 + 137 * number, "rebalance_timeout_ms": 4_003 + 21 * number}
        self.people[number] = Person(self.table, require_known_member=hand_out, **how)
        return number

    def known(self, number: int, protocols: Any) -> Known:
        how = self.people[number].how
        return Known(number, how["session_timeout_ms"], how["rebalance_timeout_ms"], protocols)

    def next_step(self, number: int) -> Callable[["Both", int, int], None]:
        """What a client that follows the protocol does next."""
        member = self.model.members.get(number)
        if member is None or self.people[number].generation != self.model.generation:
            return Both.join
        if self.model.stage == "PreparingRebalance":
            return Both.beat if member.joining else Both.join
        return Both.sync if number in self.model.unsynced else Both.beat

    # --- steps ---------------------------------------------------------------------------------------------------

    def join(self, number: int, choice: int) -> None:
        person, protocols = self.people[number], PROTOCOLS[choice % (3 if choice < 12 else 4)]
        first = not person.member_id
        waits = number in self.model.members and self.model.members[number].joining
        if first and waits:
            return  # the answer that brings its id is still to come
        if first and number in self.model.members:
            return
        expected = self.model.join(
            self.known(number, protocols), first, bool(person.how.get("require_known_member"))
        )
        self.model.exists = self.model.exists or expected is None or expected[1] == "MEMBER_ID_REQUIRED"
        self.ask(number, "join", person.join(protocols), expected)

    def sync(self, number: int, choice: int) -> None:
        person = self.people[number]
        person.generation -= choice == 0  # an old one, now and then
        words = {other: b"for %d" % other for other in self.model.members if (other + choice) % 4}
        given = {self.people[other].member_id: word for other, word in words.items()}
        expected = self.model.sync(self.number_of(person), person.generation, words)
        self.ask(number, "sync", person.sync(given), expected)

    def beat(self, number: int, choice: int) -> None:
        person = self.people[number]
        expected = self.model.beat(self.number_of(person), person.generation)
        self.ask(number, "beat", person.beat(), expected)

    def leave(self, number: int, choice: int) -> None:
        person = self.people[number]
        expected = self.model.leave(self.number_of(person))
        (answer,) = person.leave()
        self.ask(number, "leave", answer, expected)

    def restart(self, number: int, choice: int) -> None:
        place = self.numbers.index(number)
        self.numbers[place] = self.newborn(hand_out=choice % 2 == 0)

    def wait(self, number: int, choice: int) -> None:
        seconds = (0.0511, 0.0511, 0.2017, 0.2017, 1.0019, 3.0023, 5.0027, 11.0031)[choice % 8]
        self.model.pass_to(self.model.now + seconds * 1000)
        self.table.later(seconds)

    # --- comparing -----------------------------------------------------------------------------------------------

    def number_of(self, person: Person) -> int:
        """Whom the broker takes the person for: nobody, before it has an id."""
        return next(n for n, one in self.people.items() if one is person) if person.member_id else -1

    def ask(self, number: int, question: str, answer: Any, expected: Answer | None) -> None:
        if isinstance(answer, Later):
            answer.watch(lambda value: self.got.append((number, question, self.plain(value))))
            if expected is not None:
                self.model.told.append((number, question, expected))
        elif expected is None:  # it waited for nobody but itself
            self.got.append((number, question, self.plain(answer)))
        else:
            assert self.plain(answer) == expected, (number, question)

    def plain(self, answer: Any) -> Answer:
        if answer is None:
            return ("ok",)
        if isinstance(answer, Refused):
            return ("no", answer.reason.name)
        if isinstance(answer, Synced):
            return ("synced", answer.assignment)
        assert isinstance(answer, Joined)
        ids = {person.member_id: number for number, person in self.people.items() if person.member_id}
        shown = tuple(sorted(ids.get(one.member_id, -1) for one in answer.members))
        return ("joined", answer.generation, answer.protocol, ids.get(answer.leader, -1), shown)

    def compare(self) -> None:
        """The answers that came, by client; the stage; how many there are."""
        mine, theirs = defaultdict(list), defaultdict(list)
        for number, question, answer in self.got:
            mine[number, question].append(self.sketch(answer))
        for number, question, answer in self.model.told:
            theirs[number, question].append(self.sketch(answer))
        assert mine == theirs
        self.got.clear()
        self.model.told.clear()
        shown = self.table.ask(DescribeGroups(ME, ("g",)))[0]
        assert (shown.state if self.model.exists else "Empty") == self.model.stage
        assert len(shown.members) == len(self.model.members)
        if self.model.stage in ("Stable", "CompletingRebalance"):
            assert {one.member_id for one in shown.members} == {
                self.people[number].member_id for number in self.model.members
            }

    def sketch(self, answer: Answer) -> Answer:
        """Others' ids may not be known yet when an answer comes: how many members the leader was shown is compared."""
        if answer[0] != "joined":
            return answer
        return (*answer[:3], len(answer[4]))


STEPS = (Both.join, Both.sync, Both.beat, Both.leave, Both.restart, Both.wait)


@pytest.mark.parametrize("block", range(10))
def test_a_group_answers_as_the_model_does(block: int) -> None:
    """Most clients mostly do what comes next; now and then one does anything."""
    stages = set[str]()
    for seed in range(block * 25, block * 25 + 25):
        chance, both = random.Random(seed), Both()
        for _ in range(120):
            number = chance.choice(both.numbers)
            way = chance.random()
            if way < 0.3:
                step = STEPS[chance.choice((0, 0, 1, 1, 2, 2, 3, 4))]
            else:
                step = Both.wait if way < 0.5 else both.next_step(number)
            step(both, number, chance.randrange(15))
            both.compare()
            stages.add(both.model.stage)
    assert stages == {"Empty", "PreparingRebalance", "CompletingRebalance", "Stable"}
