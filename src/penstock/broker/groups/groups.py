"""All groups, their sessions and the identities of their members.

A member's session is one lazy timer: a heartbeat moves the deadline, the timer looks again when it comes.
Group membership is kept in memory alone: after a restart members join again, as after any move of a coordinator.
"""

from collections.abc import Callable
from uuid import UUID

from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.member import Member
from penstock.broker.groups.room import Room
from penstock.broker.options import BrokerOptions
from penstock.broker.turns.timers import Timers
from penstock.clock import Now

NEW_MEMBER_S = 300.0
"""A first join may wait this long for its rebalance, whatever its session: its client cannot send heartbeats yet."""

GROUP_ID_BYTES_MAX = 1024
"""The longest group id: it is kept as long as the group, and its commits' records hold at most 32767 bytes of it."""

OnSilence = Callable[[Group, Member, Now], None]


def too_long(name: str) -> bool:
    """Whether no group can have this id."""
    return len(name.encode()) > GROUP_ID_BYTES_MAX


class Groups:
    """Groups by name. `on_silence`, set by whoever rebalances, is told of members whose session ran out."""

    def __init__(
        self, options: BrokerOptions, timers: Timers, randomness: Callable[[int], bytes], notices: list[str]
    ) -> None:
        self.options, self.timers, self.notices = options, timers, notices
        self.on_silence: OnSilence = lambda group, member, now: None
        self._randomness = randomness
        self.by_name: dict[str, Group] = {}
        self.room = Room(options.groups_bytes_max)
        self.rebalances = 0

    def get(self, name: str) -> Group | None:
        """The group, or None."""
        return self.by_name.get(name)

    def ensure(self, name: str) -> Group | None:
        """The group, made if need be; None where there are too many."""
        group = self.by_name.get(name)
        if group is None and len(self.by_name) < self.options.groups_max:
            group = self.by_name[name] = Group(name, self.room)
        return group

    def bury(self, group: Group) -> None:
        """The group is over: nobody finds it again."""
        for timer in (group.gathering, group.syncing):
            if timer is not None:
                timer.cancel()
        for member_id in list(group.pending):
            group.take_back(member_id)
        group.go(Stage.DEAD)
        del self.by_name[group.name]

    def new_id(self, prefix: str) -> str:
        """A member id nobody had: the client's (or instance's) id and a UUID."""
        return f"{prefix}-{UUID(bytes=self._randomness(16), version=4)}"

    # --- sessions ------------------------------------------------------------------------------------------------

    def heard(self, group: Group, member: Member, now: Now) -> None:
        """The member is alive: its session begins anew."""
        seconds = NEW_MEMBER_S if member.is_new else member.session_timeout_ms / 1000
        member.deadline_s = now.mono_s + seconds
        if member.timer is None or member.timer.over or member.deadline_s < member.timer_s:
            self._arm(group, member)

    def _arm(self, group: Group, member: Member) -> None:
        if member.timer is not None:
            member.timer.cancel()

        def look(now: Now) -> None:
            if member.gone:
                return
            waits = not member.is_new and (member.joining or member.syncing)
            if waits:
                member.deadline_s = now.mono_s + member.session_timeout_ms / 1000
            if member.deadline_s > now.mono_s:
                self._arm(group, member)
            else:
                self.on_silence(group, member, now)

        member.timer, member.timer_s = self.timers.at(member.deadline_s, look), member.deadline_s

    def leave(self, member: Member) -> None:
        """The member's session is of no interest any more."""
        if member.timer is not None:
            member.timer.cancel()
