"""What the scenarios of groups are told with: a member's requests, one by one, on a connection of its own."""

from typing import Any

from tests.differential.asking import Connection


class Member:
    """A consumer of a group. `name` and `generation` are what it was given last."""

    def __init__(self, c: Connection, group: str, instance: str | None = None) -> None:
        self.c, self.group, self.instance = c.other(), group, instance
        self.name, self.generation = "", -1
        self.session_ms = self.rebalance_ms = 20_000
        self.kind = "consumer"
        self.protocols: list[tuple[str, bytes]] = [("range", b"m")]
        self.leads = False

    def begin_join(self, version: int = 3, **other: Any) -> None:
        """JoinGroup; `joined` waits for the answer."""
        fields = {
            "group_id": self.group, "session_timeout": self.session_ms, "rebalance_timeout": self.rebalance_ms,
            "member_id": self.name, "protocol_type": self.kind,
            "protocols": [{"name": name, "metadata": data} for name, data in self.protocols],
        } | ({"group_instance_id": self.instance} if version > 4 else {}) | other  # fmt: skip
        if version == 0:
            del fields["rebalance_timeout"]
        self.c.begin(11, version, **fields)

    def joined(self) -> Any:
        """The answer without names: its error, generation, protocol, whether it leads, and what the members said."""
        answer = self.c.take()
        error, given = answer["error_code"], answer["member_id"]
        if error in (0, 79):
            self.name = given
        if error == 0:
            self.generation, self.leads = answer["generation_id"], answer["leader"] == given
        told = sorted((m.get("group_instance_id") or "", m["metadata"]) for m in answer["members"])
        skip = [answer["skip_assignment"]] if "skip_assignment" in answer else []
        return [error, answer["generation_id"], answer["protocol_name"], self.leads, told, *skip]

    def join(self, version: int = 3, **other: Any) -> Any:
        """Join and wait; dynamic members from version 4 on join twice, as clients do."""
        self.begin_join(version, **other)
        return self.joined()

    def sync(self, *members: "Member", version: int = 3, **other: Any) -> Any:
        """SyncGroup, giving each of `members` something; the error and what it was given itself."""
        self.begin_sync(*members, version=version, **other)
        return self.synced()

    def begin_sync(self, *members: "Member", version: int = 3, **other: Any) -> None:
        """SyncGroup; `synced` waits for the answer."""
        given = [{"member_id": one.name, "assignment": b"part %d" % at} for at, one in enumerate(members)]
        self.c.begin(14, version, **(self.who() | {"assignments": given} | other))

    def synced(self) -> Any:
        """The error and what it was given."""
        answer = self.c.take()
        return [answer["error_code"], answer["assignment"]]

    def who(self) -> dict[str, Any]:
        """The fields that name it and its generation."""
        return {
            "group_id": self.group, "member_id": self.name, "generation_id": self.generation,
            "group_instance_id": self.instance,
        }  # fmt: skip

    def beat(self, **other: Any) -> int:
        """Heartbeat; the error."""
        return int(self.c.ask(12, 3, **(self.who() | other))["error_code"])

    def leave(self, *others: tuple[str, str | None]) -> Any:
        """LeaveGroup of itself, or of others by (name, instance); the errors."""
        gone = [{"member_id": name, "group_instance_id": instance}
                for name, instance in others or ((self.name, self.instance),)]  # fmt: skip
        answer = self.c.ask(13, 3, group_id=self.group, members=gone)
        return [answer["error_code"], *(one["error_code"] for one in answer["members"])]

    def commit(self, topic: str, offset: int, **other: Any) -> int:
        """OffsetCommit of partition 0; the error."""
        part = {
            "partition_index": 0,
            "committed_offset": offset,
            "committed_leader_epoch": -1,
            "committed_metadata": "",
        }
        who = self.who()
        who["generation_id_or_member_epoch"] = who.pop("generation_id")
        answer = self.c.ask(8, 7, topics=[{"name": topic, "partitions": [part]}], **(who | other))
        return int(answer["topics"][0]["partitions"][0]["error_code"])


def alone(c: Connection, group: str, instance: str | None = None, version: int = 3, **how: Any) -> Member:
    """The only member of a stable group."""
    member = Member(c, group, instance)
    for key, value in how.items():
        setattr(member, key, value)
    assert member.join(5 if instance else version)[0] == 0
    assert member.sync(member)[0] == 0
    return member


def rejoin(first: Member, *new: Member, version: int = 3) -> list[Any]:
    """`new` ones join, `first` hears of it and joins again; what each was told."""
    for one in new:
        one.begin_join(5 if one.instance else version)
        one.c.until_group(one.group, "PreparingRebalance")
    first.begin_join(5 if first.instance else version)
    return [one.joined() for one in (first, *new)]


def pair(c: Connection, group: str, **how: Any) -> tuple[Member, Member]:
    """Two members of a stable group, the first one leading."""
    one, other = alone(c, group, **how), Member(c, group)
    for key, value in how.items():
        setattr(other, key, value)
    rejoin(one, other)
    other.begin_sync()
    one.sync(one, other)
    other.synced()
    return one, other


def described(c: Connection, group: str) -> Any:
    """DescribeGroups without the members' names."""
    answer = c.ask(15, 5, groups=[group], include_authorized_operations=False)["groups"][0]
    for member in answer["members"]:
        member["named"] = bool(member.pop("member_id"))
        del member["client_host"]
    answer["members"].sort(key=lambda one: (one["member_assignment"], one["group_instance_id"] or ""))
    return answer
