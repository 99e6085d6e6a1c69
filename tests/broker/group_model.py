"""A consumer group as KIP-62 and KIP-394 describe it, small enough to be seen through: the model to hold ours against.

Members are the numbers of those who joined. An answer is a tuple: ``("joined", generation, protocol, leader, members)``,
``("synced", assignment)``, ``("no", reason)``, ``("ok",)``; None is one that is still to come. Times are milliseconds.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[Any, ...]
INITIAL_DELAY_MS = 100
NEW_MEMBER_MS = 300_000


@dataclass
class Known:
    """One member."""

    number: int
    session_ms: int
    rebalance_ms: int
    protocols: tuple[tuple[str, bytes], ...]
    joining: bool = False
    syncing: bool = False
    new: bool = True
    deadline: float = 0
    assignment: bytes = b""


@dataclass
class Model:
    """`told` holds the answers that were given since it was last emptied: (member, kind of question, answer)."""

    now: float = 0
    stage: str = "Empty"
    generation: int = 0
    protocol: str = ""
    leader: int | None = None
    members: dict[int, Known] = field(default_factory=dict)
    pending: dict[int, float] = field(default_factory=dict)
    unsynced: set[int] = field(default_factory=set)
    gather_until: float | None = None
    initial_left: float | None = None
    grew: bool = False
    sync_until: float | None = None
    told: list[tuple[int, str, Answer]] = field(default_factory=list)

    # --- what clients ask ----------------------------------------------------------------------------------------

    def join(self, who: Known, first: bool, hand_out: bool) -> Answer | None:
        """`first`: it has no id; `hand_out`: then it is given one before it may enter."""
        names = {name for name, _ in who.protocols}
        if not first and not self.exists:
            return ("no", "UNKNOWN_MEMBER")
        if self.members and not names & self.candidates():
            return ("no", "PROTOCOL_MISMATCH")
        if first and hand_out:
            self.pending[who.number] = self.now + who.session_ms
            return ("no", "MEMBER_ID_REQUIRED")
        if first or who.number in self.pending:
            self.pending.pop(who.number, None)
            self.members[who.number] = who
            self.leader = who.number if self.leader is None else self.leader
            self.grew = True
            return self.wait(who)
        known = self.members.get(who.number)
        if known is None:
            return ("no", "UNKNOWN_MEMBER")
        leads_anew = self.stage == "Stable" and self.leader == who.number
        if self.stage == "PreparingRebalance" or leads_anew or list(known.protocols) != list(who.protocols):
            known.protocols = who.protocols
            return self.wait(known)
        self.heard(known)
        return self.joined(known)

    def sync(self, number: int, generation: int, assignments: dict[int, bytes]) -> Answer | None:
        if refused := self.refused(number, generation):
            return refused
        if self.stage == "PreparingRebalance":
            return ("no", "REBALANCING")
        member = self.members[number]
        self.unsynced.discard(number)
        self.heard(member)
        if self.stage == "Stable":
            return ("synced", member.assignment)
        self.tell(member, "sync", ("no", "REBALANCING"))
        member.syncing = True
        if number == self.leader:
            self.stage = "Stable"
            for one in self.members.values():
                one.assignment = assignments.get(one.number, b"")
            for one in self.members.values():
                if one.syncing:
                    self.heard(one)
                    self.tell(one, "sync", ("synced", one.assignment))
        return None

    def beat(self, number: int, generation: int) -> Answer:
        if refused := self.refused(number, generation):
            return refused
        self.heard(self.members[number])
        return ("no", "REBALANCING") if self.stage == "PreparingRebalance" else ("ok",)

    def leave(self, number: int) -> Answer:
        if number in self.pending:
            del self.pending[number]
        elif number in self.members:
            self.remove([number])
        else:
            return ("no", "UNKNOWN_MEMBER")
        self.end_if_all_joined()
        return ("ok",)

    def refused(self, number: int, generation: int) -> Answer | None:
        if number not in self.members:
            return ("no", "UNKNOWN_MEMBER")
        return ("no", "STALE_GENERATION") if generation != self.generation else None

    # --- time ----------------------------------------------------------------------------------------------------

    def pass_to(self, end: float) -> None:
        """One due moment after the other."""
        while (due := self.next_due()) is not None and due <= end:
            self.now = due
            self.fire()
        self.now = end

    def next_due(self) -> float | None:
        limits = [one.deadline for one in self.members.values()] + list(self.pending.values())
        limits += [at for at in (self.gather_until, self.sync_until) if at is not None]
        return min(limits, default=None)

    def fire(self) -> None:
        """What is due at `now`; no two things are, by the choice of timeouts."""
        for number, at in list(self.pending.items()):
            if at <= self.now:
                del self.pending[number]
                return self.end_if_all_joined()
        for one in list(self.members.values()):
            if one.deadline <= self.now:
                if not one.new and (one.joining or one.syncing):
                    one.deadline = self.now + one.session_ms
                    return None
                return self.remove([one.number])
        if self.gather_until is not None and self.gather_until <= self.now:
            return self.gathered()
        self.sync_until = None
        return self.remove(sorted(self.unsynced & set(self.members)))

    # --- the rebalance -------------------------------------------------------------------------------------------

    exists = False
    """Whether anybody ever came: a group without a name in the book refuses ids."""

    def heard(self, member: Known) -> None:
        member.deadline = self.now + (NEW_MEMBER_MS if member.new else member.session_ms)

    def wait(self, member: Known) -> None:
        self.tell(member, "join", ("no", "REBALANCING"))
        member.joining = True
        self.heard(member)
        self.rebalance()

    def rebalance(self) -> None:
        if self.stage == "PreparingRebalance":
            return self.end_if_all_joined()
        first, was = self.stage == "Empty", self.stage
        self.stage, self.sync_until, self.unsynced = "PreparingRebalance", None, set()
        for one in self.members.values():
            one.assignment = b"" if was == "CompletingRebalance" else one.assignment
            self.tell(one, "sync", ("no", "REBALANCING"))
        longest = max((one.rebalance_ms for one in self.members.values()), default=0)
        if first:
            self.initial_left = longest
            return self.gather_first()
        self.gather_until = self.now + longest
        return self.end_if_all_joined()

    def gather_first(self) -> None:
        delay = min(INITIAL_DELAY_MS, self.initial_left or 0)
        self.initial_left = (self.initial_left or 0) - delay
        self.grew, self.gather_until = False, self.now + delay

    def gathered(self) -> None:
        if self.initial_left is not None and self.grew and self.initial_left:
            return self.gather_first()
        self.initial_left = None
        return self.end()

    def end_if_all_joined(self) -> None:
        everyone = not self.pending and all(one.joining for one in self.members.values())
        if self.stage == "PreparingRebalance" and self.initial_left is None and everyone:
            self.end()

    def end(self) -> None:
        self.gather_until = None
        for number in [one.number for one in self.members.values() if not one.joining]:
            self.drop(number)
        self.generation += 1
        if not self.members:
            self.stage, self.protocol, self.leader = "Empty", "", None
            return
        self.protocol, self.stage = self.select(), "CompletingRebalance"
        self.unsynced = set(self.members)
        self.sync_until = self.now + max(one.rebalance_ms for one in self.members.values())
        for one in self.members.values():
            one.new = False
            self.heard(one)
        for one in self.members.values():
            self.tell(one, "join", self.joined(one))

    def remove(self, numbers: list[int]) -> None:
        for number in numbers:
            member = self.members[number]
            self.drop(number)
            self.tell(member, "join", ("no", "UNKNOWN_MEMBER"))
            self.tell(member, "sync", ("no", "UNKNOWN_MEMBER"))
        if numbers and self.stage != "Empty":
            self.rebalance()

    def drop(self, number: int) -> None:
        del self.members[number]
        self.unsynced.discard(number)
        if self.leader == number:
            self.leader = next(iter(self.members), None)

    def joined(self, member: Known) -> Answer:
        leads = self.leader == member.number
        shown = tuple(sorted(self.members)) if leads else ()
        return ("joined", self.generation, self.protocol, self.leader, shown)

    def tell(self, member: Known, question: str, answer: Answer) -> None:
        waiting = member.joining if question == "join" else member.syncing
        if waiting:
            self.told.append((member.number, question, answer))
        if question == "join":
            member.joining = False
        else:
            member.syncing = False

    # --- protocols -----------------------------------------------------------------------------------------------

    def candidates(self) -> set[str]:
        return set.intersection(*({name for name, _ in one.protocols} for one in self.members.values()))

    def select(self) -> str:
        """Each votes for the first of its own that all support; among equals the leader's order decides."""
        possible = self.candidates()
        votes = Counter(
            next(name for name, _ in one.protocols if name in possible) for one in self.members.values()
        )
        liked = [name for name, _ in self.members[self.leader or 0].protocols if name in possible]
        return max(liked, key=lambda name: votes[name])
