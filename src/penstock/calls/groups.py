"""Calls of consumer groups, the classic protocol, and of their committed offsets."""

from dataclasses import dataclass

from penstock.calls.call import Call


@dataclass(frozen=True, slots=True)
class JoinGroup(Call):
    """Answer: `Joined | Refused`, later, when the rebalance has gathered its members.

    `require_known_member` is KIP-394: a first join gets MEMBER_ID_REQUIRED with the id to use in `detail`.
    `can_skip_assignment` is KIP-814: the client (JoinGroup from version 9) knows `Joined.skip_assignment`.
    """

    group: str
    member_id: str
    instance_id: str | None
    protocol_type: str
    protocols: tuple[tuple[str, bytes], ...]
    session_timeout_ms: int
    rebalance_timeout_ms: int
    require_known_member: bool = False
    reason: str = ""
    can_skip_assignment: bool = False


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One member as its leader or an admin sees it."""

    member_id: str
    instance_id: str | None
    metadata: bytes
    assignment: bytes = b""
    client_id: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """`members` is empty for all but the leader."""

    generation: int
    protocol_type: str
    protocol: str
    leader: str
    member_id: str
    members: tuple[GroupMember, ...] = ()
    skip_assignment: bool = False


@dataclass(frozen=True, slots=True)
class SyncGroup(Call):
    """Answer: `Synced | Refused`, later, when the leader has handed out its assignment."""

    group: str
    member_id: str
    instance_id: str | None
    generation: int
    assignments: tuple[tuple[str, bytes], ...] = ()
    protocol_type: str | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class Synced:
    """What this member was assigned."""

    assignment: bytes
    protocol_type: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Heartbeat(Call):
    """Answer: None, or `Refused` (REBALANCING: join again)."""

    group: str
    member_id: str
    instance_id: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class LeaveGroup(Call):
    """`members` are (member id, instance id). Answer: one `None | Refused` a member, or `Refused` for all."""

    group: str
    members: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class OffsetCommit:
    """A group's position in one partition; `leader_epoch` is -1 where unknown.

    `unstable`, in an answer: a transaction that is not decided yet may move it.
    """

    topic: str
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    unstable: bool = False


@dataclass(frozen=True, slots=True)
class CommitOffsets(Call):
    """`generation` of -1 with an empty member id is a simple consumer. Answer: one `None | Refused` a commit, later."""

    group: str
    member_id: str
    instance_id: str | None
    generation: int
    commits: tuple[OffsetCommit, ...]


@dataclass(frozen=True, slots=True)
class FetchOffsets(Call):
    """`parts` of None means all the group has. Answer: one `OffsetCommit` a part (offset -1: none), or `Refused`."""

    group: str
    parts: tuple[tuple[str, int], ...] | None
    require_stable: bool = False


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A group as admins see it; `state` is Kafka's name (Stable, Empty, PreparingRebalance, …)."""

    group: str
    state: str
    protocol_type: str
    protocol: str = ""
    members: tuple[GroupMember, ...] = ()


@dataclass(frozen=True, slots=True)
class ListGroups(Call):
    """Answer: a tuple of `GroupInfo` without members."""

    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DescribeGroups(Call):
    """Answer: one `GroupInfo` a group (state Dead where unknown) or `Refused`."""

    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteGroups(Call):
    """Answer: one `None | Refused` a group."""

    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteOffsets(Call):
    """Forget what the group committed for `parts`, (topic, partition) each.

    Answer: one `None | Refused` a part, or `Refused` as a whole.
    """

    group: str
    parts: tuple[tuple[str, int], ...]
