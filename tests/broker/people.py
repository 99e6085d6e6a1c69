"""Members of groups for tests: each joins, syncs, beats and leaves in a line."""

from typing import Any

from penstock.calls import Heartbeat, Joined, JoinGroup, LeaveGroup, Principal, SyncGroup
from penstock.errors import Refused
from penstock.later import Later

from .bench import Table, answer_of

PROTOCOLS = (("range", b"meta"), ("sticky", b"meta"))


class Person:
    """One client of one group. `join` and `sync` return the answer or the Later; `joined` is the last answer."""

    def __init__(self, table: Table, group: str = "g", instance: str | None = None, **how: Any) -> None:
        self.table, self.group, self.instance, self.how = table, group, instance, how
        self.member_id, self.generation = "", -1
        self.principal = Principal("me", "127.0.0.1", how.pop("client", "client"))

    def join(self, protocols: Any = PROTOCOLS, **how: Any) -> Any:
        how = {"session_timeout_ms": 10_000, "rebalance_timeout_ms": 60_000} | self.how | how
        answer = self.table.ask(
            JoinGroup(self.principal, self.group, self.member_id, self.instance, "consumer", protocols, **how)
        )
        if isinstance(answer, Later):
            answer.watch(self.heard)
        else:
            self.heard(answer)
        return answer

    def heard(self, answer: Joined | Refused) -> None:
        if isinstance(answer, Joined):
            self.member_id, self.generation = answer.member_id, answer.generation
        elif answer.reason.name == "MEMBER_ID_REQUIRED":
            self.member_id = answer.detail

    def sync(self, assignments: dict[str, bytes] | None = None, **what: Any) -> Any:
        given = tuple((assignments or {}).items())
        call = SyncGroup(
            self.principal, self.group, self.member_id, self.instance, self.generation, given, **what
        )
        return self.table.ask(call)

    def beat(self) -> Any:
        return self.table.ask(
            Heartbeat(self.principal, self.group, self.member_id, self.instance, self.generation)
        )

    def leave(self) -> Any:
        return self.table.ask(LeaveGroup(self.principal, self.group, ((self.member_id, self.instance),)))


def stable(table: Table, *people: Person) -> list[Joined]:
    """Bring people, the first as leader, to a stable group in which each is assigned its own member id."""
    answers = [person.join() for person in people]
    table.later(0.3)
    joined = [answer_of(answer) for answer in answers]
    assignments = {person.member_id: person.member_id.encode() for person in people}
    leader = next(person for person in people if person.member_id == joined[0].leader)
    for person in (leader, *(one for one in people if one is not leader)):
        person.sync(assignments if person is leader else None)
    return joined
