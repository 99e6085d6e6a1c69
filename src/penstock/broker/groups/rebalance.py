"""The rebalance: gather the members, begin the next generation, hand out what the leader assigned.

A group's first rebalance waits `group_initial_delay_ms`, again while members keep coming, so that those that
start together get one assignment; later ones wait until all have joined, at most the longest rebalance timeout.
Knows the stages; knows no calls.
"""

from penstock.broker.groups.group import Group, Stage
from penstock.broker.groups.groups import Groups
from penstock.broker.groups.member import Member
from penstock.broker.turns.timers import Timer
from penstock.calls import Joined, Synced
from penstock.clock import Now
from penstock.errors import Refusal, Refused

REBALANCING = Refused(Refusal.REBALANCING)
UNKNOWN = Refused(Refusal.UNKNOWN_MEMBER)


def rebalance(groups: Groups, group: Group, now: Now) -> None:
    """Something changed: begin a rebalance, or look whether the one under way can end."""
    if group.stage is Stage.PREPARING:
        end_if_all_joined(groups, group, now)
        return
    first = group.stage is Stage.EMPTY
    _stop(group)
    group.go(Stage.PREPARING)
    groups.rebalances += 1
    if first and groups.options.group_initial_delay_ms > 0:
        group.initial_left_ms = group.rebalance_timeout_ms
        _gather_first(groups, group, now)
        return
    group.gathering = _after_ms(groups, group, group.rebalance_timeout_ms, now)
    end_if_all_joined(groups, group, now)


def _stop(group: Group) -> None:
    """Leave the present generation: who waits for its assignment must join again."""
    if group.syncing is not None:
        group.syncing.cancel()
    group.unsynced.clear()
    for member in group.members.values():
        if group.stage is Stage.COMPLETING:
            member.assignment = b""
            group.weigh(member)
        answer_sync(member, REBALANCING)


def _gather_first(groups: Groups, group: Group, now: Now) -> None:
    left_ms = group.initial_left_ms or 0
    delay_ms = min(groups.options.group_initial_delay_ms, left_ms)
    group.initial_left_ms, group.grew = left_ms - delay_ms, False

    def over(now: Now) -> None:
        if group.grew and group.initial_left_ms:
            _gather_first(groups, group, now)
        else:
            group.initial_left_ms = None
            end(groups, group, now)

    group.gathering = groups.timers.at(now.mono_s + delay_ms / 1000, over)


def _after_ms(groups: Groups, group: Group, wait_ms: int, now: Now) -> Timer:
    return groups.timers.at(now.mono_s + wait_ms / 1000, lambda now: end(groups, group, now))


def end_if_all_joined(groups: Groups, group: Group, now: Now) -> None:
    """End the rebalance early when nobody is missing; a first one always takes its delay."""
    if group.stage is Stage.PREPARING and group.initial_left_ms is None and group.all_joined:
        end(groups, group, now)


def end(groups: Groups, group: Group, now: Now) -> None:
    """Time is up or all are there: who did not join is out, except static members, who may come back in time."""
    if group.gathering is not None:
        group.gathering.cancel()
    for member in [m for m in group.members.values() if not m.joining and m.instance_id is None]:
        groups.leave(member)
        group.remove(member)
    joined = next((m.member_id for m in group.members.values() if m.joining), None)
    if group.members and joined is None:
        # Only silent static members are left: nobody could lead. Wait on, until they come or their sessions end.
        group.gathering = _after_ms(groups, group, group.rebalance_timeout_ms, now)
        return
    group.generation += 1
    if joined is None:
        group.protocol, group.leader, group.emptied_ms = "", None, now.wall_ms
        group.go(Stage.EMPTY)
    else:
        if group.leader is None or not group.members[group.leader].joining:
            group.leader = joined
        _begin_generation(groups, group, now)


def _begin_generation(groups: Groups, group: Group, now: Now) -> None:
    group.protocol = group.select()
    group.go(Stage.COMPLETING)
    group.unsynced = set(group.members)
    wait_s = group.rebalance_timeout_ms / 1000
    group.syncing = groups.timers.at(now.mono_s + wait_s, lambda now: _drop_unsynced(groups, group, now))
    for member in list(group.members.values()):
        member.is_new = False
        groups.heard(group, member, now)
    for member in list(group.members.values()):
        answer_join(group, member, joined_as(group, member))


def _drop_unsynced(groups: Groups, group: Group, now: Now) -> None:
    """Members that joined and never asked for their assignment do not work: their partitions go to others."""
    silent = [group.members[name] for name in sorted(group.unsynced) if name in group.members]
    if silent:
        groups.notices.append(
            f"group {group.name}: {len(silent)} members joined and did not sync, they are out"
        )
        remove(groups, group, silent, now)


def joined_as(group: Group, member: Member) -> Joined:
    """The answer to a join of the present generation."""
    leads = group.leader == member.member_id
    members = tuple(m.shown(group.protocol, False) for m in group.members.values()) if leads else ()
    return Joined(
        group.generation, group.protocol_type, group.protocol, group.leader or "", member.member_id, members
    )


def assign(groups: Groups, group: Group, assignments: dict[str, bytes], now: Now) -> None:
    """The leader's word: everyone who waits hears it, a member it forgot gets nothing."""
    group.go(Stage.STABLE)
    for member in group.members.values():
        member.assignment = assignments.get(member.member_id, b"")
        group.weigh(member)
    for member in list(group.members.values()):
        if member.syncing is not None:
            groups.heard(group, member, now)
            answer_sync(member, synced_as(group, member))


def give_up(groups: Groups, group: Group, refused: Refused, now: Now) -> None:
    """The generation gets no assignment: everyone who waits hears why, and all join again."""
    for member in list(group.members.values()):
        answer_sync(member, refused)
    rebalance(groups, group, now)


def synced_as(group: Group, member: Member) -> Synced:
    """What the member was assigned in this generation."""
    return Synced(member.assignment, group.protocol_type, group.protocol)


def remove(groups: Groups, group: Group, members: list[Member], now: Now) -> None:
    """Take members out, answer what they wait for, and let the others rebalance."""
    for member in members:
        groups.leave(member)
        group.remove(member)
    for member in members:
        answer_join(group, member, UNKNOWN)
        answer_sync(member, UNKNOWN)
    if members and group.stage is not Stage.EMPTY:
        rebalance(groups, group, now)


def watch_sessions(groups: Groups) -> None:
    """From now on a member whose session runs out is removed, and its group rebalances."""

    def silent(group: Group, member: Member, now: Now) -> None:
        limit_ms = member.session_timeout_ms
        groups.notices.append(
            f"group {group.name}: {member.member_id} was silent for {limit_ms} ms, it is out"
        )
        remove(groups, group, [member], now)

    groups.on_silence = silent


def answer_join(group: Group, member: Member, answer: Joined | Refused) -> None:
    """Answer the join that the member waits for, if it does."""
    waiting = group.end_join(member)
    if waiting is not None:
        waiting.resolve(answer)


def answer_sync(member: Member, answer: Synced | Refused) -> None:
    """Answer the sync that the member waits for, if it does."""
    waiting, member.syncing = member.syncing, None
    if waiting is not None:
        waiting.resolve(answer)
