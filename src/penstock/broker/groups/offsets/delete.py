"""Answers DeleteOffsets: positions of a group that nobody reads any more are forgotten (KIP-496)."""

from penstock.broker.answers import answers
from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.offsets.format import Key, Stored
from penstock.broker.groups.offsets.subscription import subscribed
from penstock.broker.state import State
from penstock.calls import DeleteOffsets
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

CONSUMERS = "consumer"

Results = list[Refused | None]


@answers(DeleteOffsets)
def delete_offsets(state: State, call: DeleteOffsets, now: Now) -> Results | Refused | Later[object]:
    """One answer a part, when what goes is gone from the disk; what was not committed goes without a word."""
    if not call.group:
        return Refused(Refusal.BAD_GROUP)
    group = state.groups.get(call.group)
    if group is None:
        return Refused(Refusal.NO_GROUP, call.group)
    if group.stage is not Stage.EMPTY and group.protocol_type != CONSUMERS:
        return Refused(Refusal.GROUP_NOT_EMPTY, call.group)
    read = _topics_read(group)
    results: Results = [_refused(state, read, topic, index) for topic, index in call.parts]
    positions = state.offsets.of(call.group)
    gone: dict[Key, Stored | None] = {
        Key(call.group, *part): None
        for part, refused in zip(call.parts, results, strict=True)
        if refused is None and part in positions
    }
    if not gone:
        return results
    later: Later[object] = Later()

    def written(refused: Refused | None, now: Now) -> None:
        later.resolve([one or refused for one in results])

    state.offsets.write(call.group, gone, written, now)
    return later


def _topics_read(group: Group) -> frozenset[str]:
    """The topics that the group's members are subscribed to."""
    if group.stage is Stage.EMPTY:
        return frozenset()
    return frozenset(
        topic
        for member in group.members.values()
        for metadata in member.protocols.values()
        for topic in subscribed(metadata)
    )


def _refused(state: State, read: frozenset[str], topic: str, index: int) -> Refused | None:
    if state.partition(topic, index) is None:
        return Refused(Refusal.NO_TOPIC, f"{topic}/{index}")
    return Refused(Refusal.SUBSCRIBED, topic) if topic in read else None
