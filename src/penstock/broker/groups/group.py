"""One consumer group: its stage, its members, its generation, and how they choose a protocol.

The stages and the ways between them are Kafka's (KIP-62, KIP-345, KIP-394). Knows no call and no timer's length.

    Empty → PreparingRebalance → CompletingRebalance → Stable, and from each back to PreparingRebalance
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum

from penstock.broker.groups.member import Member
from penstock.broker.groups.room import Room, id_bytes
from penstock.broker.turns.timers import Timer
from penstock.calls import Joined
from penstock.errors import Refusal, Refused
from penstock.later import Later


class Stage(Enum):
    """A group's state under Kafka's name."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


WAYS = {
    Stage.EMPTY: {Stage.PREPARING, Stage.DEAD},
    Stage.PREPARING: {Stage.COMPLETING, Stage.EMPTY, Stage.DEAD},
    Stage.COMPLETING: {Stage.STABLE, Stage.PREPARING, Stage.DEAD},
    Stage.STABLE: {Stage.PREPARING, Stage.DEAD},
    Stage.DEAD: set(),
}


class Group:
    """`pending` are ids handed out but not yet used (KIP-394); `unsynced` owe a sync to this generation.

    `joining` counts the members that wait for the end of a rebalance; `room` is what all groups share.
    """

    def __init__(self, name: str, room: Room) -> None:
        self.name, self.room = name, room
        self.joining = 0
        self.stage = Stage.EMPTY
        self.generation = 0
        self.protocol_type = self.protocol = ""
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.static: dict[str, str] = {}
        self.pending: dict[str, Timer] = {}
        self.unsynced: set[str] = set()
        self.gathering: Timer | None = None
        self.syncing: Timer | None = None
        self.initial_left_ms: int | None = None
        self.grew = False
        self.emptied_ms: int | None = None
        self._supported: Counter[str] = Counter()

    def go(self, stage: Stage) -> None:
        """Enter another stage; a way that the protocol does not have is a fault of ours."""
        if stage not in WAYS[self.stage]:
            raise RuntimeError(f"a group does not go from {self.stage.value} to {stage.value}")
        self.stage = stage

    # --- members -------------------------------------------------------------------------------------------------

    def add(self, member: Member) -> None:
        """Take the member in; the first one is the leader."""
        self.members[member.member_id] = member
        self._supported.update(member.protocols.keys())
        self.weigh(member)
        if member.instance_id is not None:
            self.static[member.instance_id] = member.member_id
        if self.leader is None:
            self.leader = member.member_id

    def remove(self, member: Member) -> None:
        """Let the member go; a leader's place goes to the next."""
        del self.members[member.member_id]
        self._count_off(member.protocols)
        self.room.change(-member.held_bytes)
        member.held_bytes = 0
        self.unsynced.discard(member.member_id)
        member.gone = True
        if member.instance_id is not None and self.static.get(member.instance_id) == member.member_id:
            del self.static[member.instance_id]
        if self.leader == member.member_id:
            self.leader = next(iter(self.members), None)

    def rename(self, member: Member, member_id: str) -> None:
        """A static member came back under a new id: same place, same assignment (KIP-345)."""
        old = member.member_id
        self.members = {member_id if name == old else name: one for name, one in self.members.items()}
        member.member_id = member_id
        if member.instance_id is not None:
            self.static[member.instance_id] = member_id
        if old in self.unsynced:
            self.unsynced = (self.unsynced - {old}) | {member_id}
        if self.leader == old:
            self.leader = member_id

    def replace_protocols(self, member: Member, names: Iterable[str]) -> None:
        """Count the member's new protocols in place of its old ones; call before they change."""
        self._count_off(member.protocols)
        self._supported.update(set(names))

    def _count_off(self, names: Iterable[str]) -> None:
        self._supported.subtract(set(names))
        for name in names:
            if not self._supported[name]:
                del self._supported[name]

    def weigh(self, member: Member) -> None:
        """Count what the member holds now; call when that has changed."""
        size = member.size_bytes
        self.room.change(size - member.held_bytes)
        member.held_bytes = size

    # --- ids that were handed out ----------------------------------------------------------------------------------

    def hand_out(self, member_id: str, until: Timer) -> None:
        """Remember an id that its client has yet to come back with."""
        self.pending[member_id] = until
        self.room.change(id_bytes(member_id))

    def take_back(self, member_id: str) -> None:
        """The id is used, or void."""
        self.pending.pop(member_id).cancel()
        self.room.change(-id_bytes(member_id))

    # --- who waits ---------------------------------------------------------------------------------------------------

    def begin_join(self, member: Member) -> Later[Joined | Refused]:
        """From now on the member waits for the end of the rebalance."""
        self.joining += member.joining is None
        member.joining = Later()
        return member.joining

    def end_join(self, member: Member) -> Later[Joined | Refused] | None:
        """It waits no longer; what it waited for."""
        waiting, member.joining = member.joining, None
        self.joining -= waiting is not None
        return waiting

    # --- identities --------------------------------------------------------------------------------------------------

    def refused_member(self, member_id: str, instance_id: str | None) -> Refused | None:
        """Why nobody of this identity is here: unknown, or fenced by a newer holder of the instance id."""
        if instance_id is not None:
            holder = self.static.get(instance_id)
            if holder is None:
                return Refused(Refusal.UNKNOWN_MEMBER, f"instance {instance_id}")
            if holder != member_id:
                return Refused(Refusal.FENCED_MEMBER, instance_id)
        return None if member_id in self.members else Refused(Refusal.UNKNOWN_MEMBER, member_id)

    def refused_generation(self, member_id: str, instance_id: str | None, generation: int) -> Refused | None:
        """As `refused_member`, or why the member's generation is over."""
        if refused := self.refused_member(member_id, instance_id):
            return refused
        if generation != self.generation:
            return Refused(Refusal.STALE_GENERATION, f"{generation}, current is {self.generation}")
        return None

    # --- protocols -----------------------------------------------------------------------------------------------

    def supports(self, protocol_type: str, names: Iterable[str]) -> bool:
        """Whether somebody with these protocols can be a member beside the present ones."""
        if not self.members:
            return bool(protocol_type) and any(True for _ in names)
        return protocol_type == self.protocol_type and not self.candidates().isdisjoint(names)

    def candidates(self) -> set[str]:
        """The protocols that every member supports."""
        return {name for name, count in self._supported.items() if count == len(self.members)}

    def select(self) -> str:
        """The protocol with most votes; among equals the one that the leader likes best."""
        candidates = self.candidates()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        leader = (
            self.members[self.leader] if self.leader in self.members else next(iter(self.members.values()))
        )
        liked = [name for name in leader.protocols if name in candidates]
        return max(liked, key=lambda name: votes[name])

    # --- the rebalance -------------------------------------------------------------------------------------------

    @property
    def all_joined(self) -> bool:
        """Whether nobody is missing: every member waits to join, no handed-out id is still unused."""
        return not self.pending and self.joining == len(self.members)

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest that any member asks for."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)
