"""Where a group stands: its state, its members with what they were given, its offset and lag in each partition.

Knows the consumer protocol's assignments (ConsumerProtocolAssignment); knows no command, prints nothing.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.calls import GroupInfo, GroupMember
from penstock.cli.moments import Part, bounds
from penstock.client import Client

IDLE = ("Empty", "Dead")
"""The states of a group without members."""


@dataclass(frozen=True)
class Standing:
    """One group. `state` is what the list of groups says: describing may know less (KIP-848 groups)."""

    info: GroupInfo
    state: str
    committed: dict[Part, int]
    ends: dict[Part, int]
    members: dict[Part, GroupMember]

    @property
    def active(self) -> bool:
        """Whether members hold the group."""
        return self.state not in IDLE

    def lag(self, part: Part) -> int | None:
        """How many records the group is behind; None where it has committed nothing or the topic is gone."""
        if part not in self.committed or part not in self.ends:
            return None
        return max(self.ends[part] - self.committed[part], 0)

    @property
    def total_lag(self) -> int:
        """The lag of all partitions together."""
        return sum(self.lag(part) or 0 for part in self.committed)


async def standings(client: Client, groups: Sequence[str]) -> list[Standing]:
    """Where each of the groups stands."""
    listed = {info.group: info.state for info in await client.groups()}
    described = await client.describe_groups(groups)
    found = []
    for name in groups:
        info = described[name]
        committed = await client.committed(name)
        members = {part: member for member in info.members for part in assigned(member.assignment)}
        ends = await ends_of(client, {*committed, *members})
        state = listed.get(name) or info.state
        found.append(Standing(info, state, committed, ends, members))
    return found


async def ends_of(client: Client, parts: set[Part]) -> dict[Part, int]:
    """The end of each partition; those that are no more are left out."""
    if not parts:
        return {}
    metas = await client.metadata(sorted({topic for topic, _ in parts}))
    there = sorted((topic, p) for topic, p in parts if not metas[topic].error and p < metas[topic].partitions)
    return {part: last for part, (_, last) in (await bounds(client, there)).items()} if there else {}


def assigned(assignment: bytes) -> list[Part]:
    """The partitions in a member's assignment; none where it is not the consumer protocol's or is damaged."""
    parts: list[Part] = []
    try:
        (topics,) = struct.unpack_from(">i", assignment, 2)
        position = 6
        for _ in range(topics):
            (size,) = struct.unpack_from(">h", assignment, position)
            topic = assignment[position + 2 : position + 2 + size].decode()
            (count,) = struct.unpack_from(">i", assignment, position + 2 + size)
            position += 6 + size
            parts += [(topic, p) for p in struct.unpack_from(f">{count}i", assignment, position)]
            position += 4 * count
    except (struct.error, UnicodeDecodeError):
        return []
    return parts
