"""Consumer groups as an administrator sees them: list, describe, delete.

Knows the requests for it; knows nothing of offsets, nor of how members share partitions.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from penstock.calls import GroupInfo, GroupMember
from penstock.client.admin.asking import Asking
from penstock.client.errors import failure


class Groups(Asking):
    """The part of a client that looks after groups."""

    async def groups(self) -> list[GroupInfo]:
        """The groups this cluster keeps, without their members, by name."""

        async def attempt() -> list[GroupInfo]:
            found: dict[str, GroupInfo] = {}
            for answer in await self._cluster.ask_all("ListGroups", {"states_filter": []}):
                if answer.error_code:
                    raise failure(answer.error_code, "list the groups")
                for g in answer.groups:
                    found[g.group_id] = GroupInfo(g.group_id, getattr(g, "group_state", ""), g.protocol_type)
            return [found[name] for name in sorted(found)]

        return await self._cluster.persist(attempt)

    async def describe_groups(self, groups: Sequence[str]) -> dict[str, GroupInfo]:
        """Groups with their members; an unknown group has the state ``Dead``."""

        return {group: await self._cluster.persist(partial(self._describe, group)) for group in groups}

    async def delete_group(self, group: str) -> None:
        """Delete a group and the offsets it has committed; it must have no members."""

        async def attempt() -> None:
            answer = await self._cluster.ask_coordinator(group, "DeleteGroups", {"groups_names": [group]})
            if answer.results[0].error_code:
                raise failure(answer.results[0].error_code, f"delete the group {group}")

        await self._cluster.persist(attempt)

    async def _describe(self, group: str) -> GroupInfo:
        row = {"groups": [group], "include_authorized_operations": False}
        answer = await self._cluster.ask_coordinator(group, "DescribeGroups", row)
        return _group(answer.groups[0])


def _group(found: Any) -> GroupInfo:
    if found.error_code and found.error_code != 69:  # GROUP_ID_NOT_FOUND, since v6; before, the state is Dead
        raise failure(found.error_code, f"describe the group {found.group_id}")
    members = tuple(
        GroupMember(
            m.member_id,
            getattr(m, "group_instance_id", None),
            m.member_metadata,
            m.member_assignment,
            m.client_id,
            m.client_host,
        )
        for m in found.members
    )
    state = "Dead" if found.error_code else found.group_state
    return GroupInfo(found.group_id, state, found.protocol_type, found.protocol_data, members)
