"""A member of a consumer group: joins, is told its partitions, stays by heartbeats, leaves.

    member = client.membership("billing")
    parts = await member.join(["orders"], owned=[])
    ...                                          # `member.place` goes with every commit
    await member.unsettled.wait()                # the group shares out anew: finish, commit, join again
    await member.leave()

Whoever has a partition gives it up before the next join (eager rebalancing). Source: KIP-62, KIP-394. Knows the
group's protocol; knows nothing of what its members read.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.client.admin.offsets import NO_PLACE, Place
from penstock.client.cluster import Cluster
from penstock.client.errors import KafkaError, failure
from penstock.client.members import sharing
from penstock.client.members.sharing import Part

PROTOCOL = "penstock"
"""The name of how partitions are shared out: members that share out otherwise cannot be in the same group."""
_REJOIN = ("REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "MEMBER_ID_REQUIRED")
LOST = ("ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID")
"""Errors that say that the place is another's by now."""


@dataclass(frozen=True)
class MembershipOptions:
    """How long a member may be silent."""

    session_s: float = 10.0
    """Without a heartbeat for this long, a member is taken for dead, in seconds."""
    heartbeat_s: float = 1.0
    """The time between heartbeats, in seconds: so soon is a rebalance heard of."""
    rebalance_s: float = 60.0
    """How long a member has, in a rebalance, to finish what it does and join again, in seconds."""


class Membership:
    """One member. `unsettled` is set when it is to join again; `lost` says that its partitions are others' already."""

    def __init__(self, cluster: Cluster, group: str, options: MembershipOptions) -> None:
        self.group, self.options = group, options
        self.place = NO_PLACE
        self.unsettled = asyncio.Event()
        self.lost = False
        self.heard_s = 0.0
        self.trouble: KafkaError | None = None
        self._cluster = cluster
        self._beating: asyncio.Task[None] | None = None

    async def join(self, topics: Sequence[str], owned: Sequence[Part]) -> list[Part]:
        """Join or join again; the partitions that are this member's from now on. `owned`: those it had.

        Waits for the group as long as it takes; raises KafkaError where waiting does not help.
        """
        self._stop_beating()
        while True:
            try:
                found = await self._cluster.persist(lambda: self._attempt(topics, owned))
                break
            except KafkaError as error:
                if error.name not in _REJOIN:
                    raise
                if error.name in LOST:
                    self.place = NO_PLACE
        self.unsettled.clear()
        self.lost = False
        self.heard_s = asyncio.get_running_loop().time()
        self._beating = asyncio.create_task(self._beat())
        return found

    async def leave(self) -> None:
        """Give the place up, so that others need not wait for it to time out."""
        self._stop_beating()
        place, self.place = self.place, NO_PLACE
        if place.member_id:
            row = {"group_id": self.group, "member_id": place.member_id}
            with contextlib.suppress(KafkaError):  # else it times out by itself
                await self._ask("LeaveGroup", row)
        await self._cluster.release(self)

    # --- joining -------------------------------------------------------------------------------------------------

    async def _attempt(self, topics: Sequence[str], owned: Sequence[Part]) -> list[Part]:
        joined = await self._joined(topics, owned)
        self.place = Place(joined.member_id, joined.generation_id)
        shares: list[dict[str, Any]] = []
        if joined.leader == joined.member_id:
            had = {each.member_id: sharing.owned_of(each.metadata) for each in joined.members}
            given = sharing.share(had, await self._partitions(topics))
            shares = [
                {"member_id": member, "assignment": sharing.assignment(parts)}
                for member, parts in given.items()
            ]
        row = {**self._row(), "group_instance_id": None, "assignments": shares}
        answer = await self._ask("SyncGroup", row, self.options.rebalance_s)
        self._refuse(answer.error_code, "be told its partitions")
        return sharing.assigned_of(answer.assignment)

    async def _joined(self, topics: Sequence[str], owned: Sequence[Part]) -> Any:
        options = self.options
        metadata = sharing.subscription(topics, owned)
        for _ in range(2):
            row = {
                "group_id": self.group,
                "session_timeout": round(options.session_s * 1000),
                "rebalance_timeout": round(options.rebalance_s * 1000),
                "member_id": self.place.member_id,
                "group_instance_id": None,
                "protocol_type": "consumer",
                "protocols": [{"name": PROTOCOL, "metadata": metadata}],
            }
            answer = await self._ask("JoinGroup", row, options.rebalance_s)
            if answer.error_code != 79:  # MEMBER_ID_REQUIRED: here it is, join with it (KIP-394)
                break
            self.place = Place(answer.member_id, -1)
        self._refuse(answer.error_code, "join")
        return answer

    async def _partitions(self, topics: Sequence[str]) -> Mapping[str, int]:
        metas = await self._cluster.topics(topics)
        return {name: meta.partitions for name, meta in metas.items() if meta.error is None}

    # --- staying -------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Heartbeats until the group shares out anew, or this member is taken for dead."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.options.heartbeat_s)
            try:
                answer = await self._ask("Heartbeat", {**self._row(), "group_instance_id": None})
                self._refuse(answer.error_code, "stay")
                self.heard_s, self.trouble = loop.time(), None
            except KafkaError as error:
                self._cluster.doubt(error)
                self.trouble = error
                silent = loop.time() - self.heard_s > self.options.session_s
                if error.name in _REJOIN or silent:
                    # Who was silent for too long must take it that others have its partitions.
                    self.lost = error.name in LOST or silent
                    self.unsettled.set()
                    return

    def _row(self) -> dict[str, Any]:
        return {
            "group_id": self.group,
            "generation_id": self.place.generation,
            "member_id": self.place.member_id,
        }

    async def _ask(self, api: str, row: Mapping[str, Any], wait_s: float = 0.0) -> Any:
        return await self._cluster.ask_coordinator(self.group, api, row, user=self, wait_s=wait_s)

    def _refuse(self, code: int, what: str) -> None:
        if code:
            raise failure(code, f"{what} in group {self.group}")

    def _stop_beating(self) -> None:
        if self._beating:
            self._beating.cancel()
            self._beating = None
