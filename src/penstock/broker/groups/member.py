"""One member of a group: who it is, what it supports, what it waits for. Knows no group and no time source."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.broker.groups.room import member_bytes
from penstock.broker.turns.timers import Timer
from penstock.calls import GroupMember, Joined, JoinGroup, Synced
from penstock.errors import Refused
from penstock.later import Later


@dataclass(eq=False, slots=True)
class Member:
    """`joining` and `syncing` are the answers it waits for; `deadline_s` is when its silence ends its membership.

    `held_bytes` is what its group has counted for it (see `Group.weigh`).
    """

    member_id: str
    instance_id: str | None
    client_id: str
    host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocols: dict[str, bytes]
    assignment: bytes = b""
    joining: Later[Joined | Refused] | None = None
    syncing: Later[Synced | Refused] | None = None
    is_new: bool = True
    gone: bool = False
    deadline_s: float = 0.0
    timer: Timer | None = field(default=None, repr=False)
    timer_s: float = 0.0
    held_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """What it costs to remember it, its assignment included."""
        said = member_bytes(self.protocols.items(), self.member_id, self.client_id, self.instance_id)
        return said + len(self.assignment)

    def update(self, call: JoinGroup) -> None:
        """What a join says anew."""
        self.client_id, self.host = call.principal.client_id, call.principal.host
        self.session_timeout_ms = call.session_timeout_ms
        self.rebalance_timeout_ms = rebalance_timeout_of(call)
        self.protocols = dict(call.protocols)

    def same_protocols(self, protocols: Sequence[tuple[str, bytes]]) -> bool:
        """Whether a join brings nothing new: the same protocols in the same order with the same metadata."""
        return list(self.protocols.items()) == list(protocols)

    def vote(self, candidates: set[str]) -> str:
        """The first of its own protocols that everyone supports."""
        return next(name for name in self.protocols if name in candidates)

    def shown(self, protocol: str, with_assignment: bool = True) -> GroupMember:
        """As its leader or an admin sees it."""
        assignment = self.assignment if with_assignment else b""
        return GroupMember(
            self.member_id,
            self.instance_id,
            self.protocols.get(protocol, b""),
            assignment,
            self.client_id,
            self.host,
        )


def rebalance_timeout_of(call: JoinGroup) -> int:
    """JoinGroup before version 1 has none: the session timeout stands in."""
    return call.rebalance_timeout_ms if call.rebalance_timeout_ms >= 0 else call.session_timeout_ms
