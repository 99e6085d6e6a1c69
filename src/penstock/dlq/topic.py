"""The dead letters of one topic: looked at, edited, sent back, purged; here or on any Kafka.

What is done to letters is one transaction with the mark that it was done and the audit record of it. Whoever is
killed on the way has done a part of them, each once; whoever begins again goes on with the rest. Two at once on one
topic: the later fences the earlier. Knows the client; knows no command.
"""

import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import uuid4

from penstock.client import Client, KafkaError
from penstock.dlq import marks
from penstock.dlq.scanning import bounds, place_of, scan
from penstock.dlq.sending import Sending
from penstock.dlq.source import (
    PURGED,
    REDRIVEN,
    REPLACED,
    WAITING,
    Filter,
    Group,
    How,
    Letter,
    Outcome,
    Summary,
    Told,
)
from penstock.dlq.working import LOOK_MAX, Pace, Sent, Working, cut, now_ms
from penstock.errors import PenstockError

Picked = tuple[list[Letter], list[Sent]]
Pick = Callable[[Sequence[Letter]], Awaitable[Picked]]


class TopicSource:
    """`name` is the topic's; `look_max`: how many of the newest letters are looked at to count or list them."""

    def __init__(self, client: Client, name: str, look_max: int = LOOK_MAX) -> None:
        self.name, self._client, self._look_max = name, client, look_max

    # --- looking -------------------------------------------------------------------------------------------------

    async def summary(self, wanted: Filter) -> Summary:
        """The newest letters, counted; states are of all of these, groups of those that are meant."""
        groups: dict[tuple[str, str, str], Group] = {}
        states: Counter[str] = Counter()
        found_marks = await self._marks()
        starts, ends = await bounds(self._client, self.name, self._look_max)
        earliest, _ = await bounds(self._client, self.name)
        async for letters in scan(self._client, self.name, found_marks, starts, ends):
            for each in letters:
                states[each.state] += 1
                if wanted.takes(each):
                    key = each.letter.group_key
                    groups.setdefault(key, Group(*key)).add(each)
        largest = sorted(groups.values(), key=lambda group: (-group.count, group.reason, group.exception))
        return Summary(largest, states, starts == earliest)

    async def letters(self, wanted: Filter, limit: int) -> list[Letter]:
        """The newest that are meant, newest first."""
        found_marks = await self._marks()
        starts, ends = await bounds(self._client, self.name, self._look_max)
        newest: dict[str, deque[Letter]] = {}
        async for letters in scan(self._client, self.name, found_marks, starts, ends):
            for each in letters:
                if wanted.takes(each):
                    part = each.name.partition(":")[0]
                    newest.setdefault(part, deque(maxlen=limit)).append(each)
        every = [each for kept in newest.values() for each in kept]
        every.sort(key=lambda each: (each.at_ms, place_of(each.name, self.name)), reverse=True)
        return every[:limit]

    async def show(self, name: str) -> Letter:
        """One letter."""
        partition, offset = place_of(name, self.name)
        starts, ends = await bounds(self._client, self.name)
        if partition in ends and starts[partition] <= offset < ends[partition]:
            found_marks = await self._marks()
            async for letters in scan(
                self._client, self.name, found_marks, {partition: offset}, {partition: offset + 1}
            ):
                for each in letters:
                    if each.name == name:
                        return each
        raise PenstockError(
            f"there is no dead letter {name} in {self.name}",
            remedy=f"see them: penstock dlq list {self.name} --letters",
        )

    async def _marks(self) -> marks.Marks:
        meta = (await self._client.metadata([self.name]))[self.name]
        if meta.error:
            raise KafkaError(meta.error, f"look at the dead letters of {self.name}")
        return await marks.read_marks(self._client, self.name)

    # --- changing ------------------------------------------------------------------------------------------------

    async def edit(self, name: str, value: bytes | None, by: str) -> str:
        """A letter with another body takes the place of this one; the new one's name."""
        partition, _ = place_of(name, self.name)
        async with Working(self._client, self.name, by, uuid4().hex) as work:
            old = await self.show(name)
            if old.state != WAITING:
                raise PenstockError(
                    f"the letter {name} is {old.state} already", remedy="only letters that wait are edited"
                )
            made = replace(old.letter, value=value, replaces=name).record(now_ms())
            offset = await work.write([old], [(self.name, partition, made)], REPLACED, "dlq.edit")
        return f"{partition}:{offset}"

    async def redrive(self, wanted: Filter, how: How, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Send back those that are meant and were there when it began: what comes back meanwhile stays."""
        outcome = Outcome(uuid4().hex, "redrive", dry_run)
        sending = Sending(self._client, how)

        async def pick(batch: Sequence[Letter]) -> Picked:
            taken: list[Letter] = []
            sent: list[Sent] = []
            for each in batch:
                if how.limit and outcome.done + len(taken) >= how.limit:
                    break
                target = await sending.target(each, now_ms())
                if isinstance(target, str):
                    outcome.skipped[target] += 1
                    continue
                taken.append(each)
                sent.append(target)
                outcome.targets[target[0]] += 1
            return taken, sent

        await self._deal(wanted, outcome, by, told, pick, how, REDRIVEN)
        return outcome

    async def purge(self, wanted: Filter, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Give up those that are meant; what nothing before it waits for any more is deleted from the topic."""
        outcome = Outcome(uuid4().hex, "purge", dry_run)

        async def pick(batch: Sequence[Letter]) -> Picked:
            return list(batch), []

        await self._deal(wanted, outcome, by, told, pick, How(), PURGED)
        if outcome.done and not dry_run:
            await self._trim()
        return outcome

    async def _deal(
        self, wanted: Filter, outcome: Outcome, by: str, told: Told, pick: Pick, how: How, state: str
    ) -> None:
        """Go through the letters once, and do to those that are meant what `pick` says."""
        async with contextlib.AsyncExitStack() as stack:
            work: Working | None = None
            if not outcome.dry_run:
                work = Working(self._client, self.name, by, outcome.operation)
                await stack.enter_async_context(work)
            found_marks = await self._marks()  # after others were fenced: nothing is added to them any more
            starts, ends = self._narrowed(wanted, *await bounds(self._client, self.name))
            outcome.total = sum(ends[p] - at for p, at in starts.items())
            told(outcome)
            pace = Pace(how.rate)
            letters = await stack.enter_async_context(
                contextlib.aclosing(scan(self._client, self.name, found_marks, starts, ends))
            )
            try:
                async for found in letters:
                    meant = [each for each in found if wanted.takes(each)]
                    outcome.matched += len(meant)
                    for batch in cut(meant, pace.batch):
                        taken, sent = await pick(batch)
                        if taken and work is not None:
                            await work.write(taken, sent, state, f"dlq.{outcome.what}")
                            await pace.keep(len(taken))
                        outcome.done += len(taken)
                        told(outcome)
                        if how.limit and outcome.done >= how.limit:
                            outcome.state = "done"
                            return
                    outcome.read += len(found)
                outcome.state = "done"
            finally:
                outcome.state = "stopped" if outcome.state == "running" else outcome.state
                told(outcome)

    def _narrowed(
        self, wanted: Filter, starts: dict[int, int], ends: dict[int, int]
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Where letters are named, only what lies between them needs to be read."""
        if not wanted.names:
            return starts, ends
        places: dict[int, list[int]] = {}
        for name in wanted.names:
            partition, offset = place_of(name, self.name)
            places.setdefault(partition, []).append(offset)
        places = {p: each for p, each in places.items() if p in ends}
        begin = {p: max(starts[p], min(each)) for p, each in places.items()}
        return begin, {p: max(begin[p], min(ends[p], max(each) + 1)) for p, each in places.items()}

    async def _trim(self) -> None:
        """Delete what lies before the first letter that waits."""
        found_marks = await self._marks()
        starts, ends = await bounds(self._client, self.name)
        keep = dict(ends)
        async for letters in scan(self._client, self.name, found_marks, starts, ends):
            for each in letters:
                if each.state == WAITING:
                    partition, offset = place_of(each.name, self.name)
                    keep[partition] = min(keep[partition], offset)
        befores = {p: at for p, at in keep.items() if at > starts[p]}
        with contextlib.suppress(KafkaError):  # not allowed, or compacted: the marks say enough
            await self._client.delete_records(self.name, befores)
