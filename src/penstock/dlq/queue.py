"""The dead letters of a queue of penstock's broker: looked at without taking, edited, sent back, purged.

A letter is the message of one number. What is done to letters is one AMQP transaction: it is taken, and what takes its
place or goes back is in a queue, or neither; so a crash neither loses nor doubles one. Knows AMQP; knows no command.
"""

import asyncio
import heapq
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from uuid import uuid4

from penstock.amqp import AmqpError, Channel, Connection, Got, Url, connect, url_of
from penstock.amqp.errors import ACCESS_REFUSED, NOT_FOUND, PRECONDITION
from penstock.client import Client
from penstock.content import Field, Properties
from penstock.dlq import audit
from penstock.dlq.marks import ranges
from penstock.dlq.messages import NUMBER, edited, letter_of, sent_back
from penstock.dlq.naming import place_of_queue, queue_of
from penstock.dlq.source import WAITING, Filter, Group, How, Letter, Outcome, Summary, Told
from penstock.dlq.working import LOOK_MAX, Pace, cut, finished
from penstock.errors import PenstockError

BATCH = 100
"""Letters in one transaction: so many are held at once."""
UNDONE = "nothing was done: "
"""What stands before the reason where the server refuses a transaction."""
Put = tuple[str, Properties, bytes]
"""What is published where a letter is taken: the queue, and the message."""
Makes = Callable[[Got, Letter], Put | None]
Visit = Callable[[Letter], None]


class QueueSource:
    """`name` is the place's; `client` writes the audit; `look_max`: how many of the newest letters are looked at to count or
    list them; `url`: where AMQP is, and as whom; `connection`: one into the queue's virtual host that is there already."""

    def __init__(
        self,
        client: Client,
        name: str,
        look_max: int = LOOK_MAX,
        url: Url | None = None,
        connection: Connection | None = None,
    ) -> None:
        self._url = connection.url if connection else url or url_of()
        vhost, self._queue = queue_of(name, self._url.vhost)
        self.name, self._url = place_of_queue(vhost, self._queue), replace(self._url, vhost=vhost)
        self._client, self._look_max, self._connection = client, look_max, connection

    # --- looking -------------------------------------------------------------------------------------------------

    async def summary(self, wanted: Filter) -> Summary:
        """The newest that wait, counted."""
        groups: dict[tuple[str, str, str], Group] = {}
        seen = 0

        def visit(each: Letter) -> None:
            nonlocal seen
            seen += 1
            if wanted.takes(each):
                groups.setdefault(each.letter.group_key, Group(*each.letter.group_key)).add(each)

        await self._look(visit, {"x-penstock-newest": self._look_max})
        largest = sorted(groups.values(), key=lambda group: (-group.count, group.reason, group.exception))
        return Summary(largest, Counter({WAITING: seen}), seen < self._look_max)

    async def letters(self, wanted: Filter, limit: int) -> list[Letter]:
        """The newest that are meant, newest first."""
        newest: list[tuple[int, Letter]] = []

        def visit(each: Letter) -> None:
            if wanted.takes(each):
                (heapq.heappush if len(newest) < limit else heapq.heappushpop)(newest, (int(each.name), each))

        await self._look(visit, {"x-penstock-newest": self._look_max})
        return [each for _, each in sorted(newest, reverse=True)]

    async def show(self, name: str) -> Letter:
        """One letter."""
        found: list[Letter] = []
        if name.isascii() and name.isdecimal() and len(name) < 19:
            await self._look(found.append, {NUMBER: int(name)})
        if not found:
            raise PenstockError(
                f"there is no dead letter {name[:80]} in {self.name}",
                remedy=f"see them: penstock dlq list {self.name} --letters",
            )
        return found[0]

    async def _look(self, visit: Visit, arguments: Mapping[str, Field]) -> None:
        async with self._connected() as connection:
            await self._browse(await connection.channel(), visit, arguments)

    async def _browse(self, channel: Channel, visit: Visit, arguments: Mapping[str, Field]) -> None:
        """See copies of what waits, first to last."""
        browsing = {"x-penstock-browse": True, **arguments}
        await self._consumed(channel, lambda got: visit(letter_of(got)), browsing, no_ack=True)

    async def _consumed(
        self, channel: Channel, visit: Callable[[Got], None], arguments: Mapping[str, Field], *, no_ack: bool
    ) -> None:
        """Be a consumer until the server ends it."""
        over = asyncio.Event()
        await channel.consume(
            self._queue,
            lambda got: over.set() if got is None else visit(got),
            no_ack=no_ack,
            arguments=arguments,
        )
        await over.wait()
        if channel.lost:
            raise channel.lost

    def _connected(self) -> AbstractAsyncContextManager[Connection]:
        return nullcontext(self._connection) if self._connection else connected(self._url)

    # --- changing ------------------------------------------------------------------------------------------------

    async def edit(self, name: str, value: bytes | None, by: str) -> str:
        """The letter with another body goes to the queue's end; its new number."""
        await self.show(name)
        outcome = Outcome(uuid4().hex, "edit")
        async with self._connected() as connection:
            await finished(
                self._batch(
                    connection,
                    [int(name)],
                    lambda got, old: (self._queue, edited(got.properties, name), value or b""),
                    outcome,
                    await self._deed(outcome, by),
                )
            )
        if not outcome.done:
            why = next(iter(outcome.skipped))
            raise PenstockError(f"the letter {name} stays as it is: {why}", remedy="try again later")
        newest = await self.letters(Filter(), self._look_max)
        return next((each.name for each in newest if each.letter.replaces == name), "")

    async def redrive(self, wanted: Filter, how: How, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Back to the queue that each died in, or to `how.to`; its exchange's other queues do not see it again."""
        outcome = Outcome(uuid4().hex, "redrive", dry_run)
        chosen = array("Q")
        targets: Counter[str] = Counter()

        def visit(each: Letter) -> None:
            if not wanted.takes(each):
                return
            outcome.matched += 1
            target = how.to or each.letter.origin.queue
            if why := _left(each, how, target):
                outcome.skipped[why] += 1
            elif not how.limit or len(chosen) < how.limit:
                chosen.append(int(each.name))
                targets[target] += 1

        def makes(got: Got, each: Letter) -> Put:
            return how.to or each.letter.origin.queue, sent_back(got.properties, each.letter), got.body

        async with self._connected() as connection:
            await self._visit(connection, wanted, visit, partial(told, outcome))
            if dry_run:
                for target in [each for each in targets if not await _stands(connection, each)]:
                    outcome.skipped[f"no queue takes '{target}'"] += targets.pop(target)
                outcome.targets, outcome.done, outcome.state = targets, targets.total(), "done"
            else:
                await self._deal(connection, chosen, makes, outcome, (by, told, how.rate))
        return outcome

    async def purge(self, wanted: Filter, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Take them, and put nothing in their place."""
        outcome = Outcome(uuid4().hex, "purge", dry_run)
        chosen = array("Q")

        def visit(each: Letter) -> None:
            if wanted.takes(each):
                outcome.matched += 1
                chosen.append(int(each.name))

        async with self._connected() as connection:
            await self._visit(connection, wanted, visit, partial(told, outcome))
            if dry_run:
                outcome.done, outcome.state = len(chosen), "done"
            else:
                await self._deal(connection, chosen, lambda got, each: None, outcome, (by, told, 0.0))
        return outcome

    async def _visit(
        self, connection: Connection, wanted: Filter, visit: Visit, begun: Callable[[], None]
    ) -> None:
        """See those that are named, or else all that were there when it began, first to last."""
        channel = await connection.channel()
        await self._browse(channel, lambda each: None, {NUMBER: 0})  # that there is such a queue, and one may
        begun()
        if not wanted.names:
            await self._browse(channel, visit, {})
        for number in sorted({int(name) for name in wanted.names if name.isascii() and name.isdecimal()}):
            await self._browse(channel, visit, {NUMBER: number})

    async def _deal(
        self,
        connection: Connection,
        chosen: Sequence[int],
        makes: Makes,
        outcome: Outcome,
        how: tuple[str, Told, float],
    ) -> None:
        """Take these in turn, a transaction a batch."""
        by, told, rate = how
        pace, deed = Pace(rate), await self._deed(outcome, by)
        outcome.total = len(chosen)
        told(outcome)
        try:
            for batch in cut(chosen, min(pace.batch, BATCH)):
                await finished(self._batch(connection, batch, makes, outcome, deed))
                outcome.read += len(batch)
                told(outcome)
                await pace.keep(len(batch))
            outcome.state = "done"
        finally:
            outcome.state = "stopped" if outcome.state == "running" else outcome.state
            told(outcome)

    async def _batch(
        self, connection: Connection, numbers: Sequence[int], makes: Makes, outcome: Outcome, deed: audit.Deed
    ) -> None:
        """All of them in one transaction; where the server refuses that, each in its own: one may be at fault."""
        try:
            async with deed.step(self._client, letters=ranges(numbers), count=len(numbers)) as noted:
                done = await self._moved(connection, numbers, makes)
                targets = Counter(target for target in done.values() if target)
                outcome.done += len(done)
                outcome.targets.update(targets)
                noted |= {"letters": ranges(done), "count": len(done), "to": sorted(targets)}
        except AmqpError as refused:
            if refused.code != PRECONDITION:
                raise
            if len(numbers) == 1:
                outcome.skipped[refused.message.rpartition(UNDONE)[2]] += 1
                return
            for number in numbers:
                await self._batch(connection, [number], makes, outcome, deed)
            return
        if len(done) < len(numbers):
            outcome.skipped["someone else holds it"] += len(numbers) - len(done)

    async def _moved(self, connection: Connection, numbers: Sequence[int], makes: Makes) -> dict[int, str]:
        """One transaction: letters are taken, and what `makes` says is published. Those taken, and where to."""
        channel = await connection.channel()
        await channel.call("tx.select")
        taken: dict[int, Got] = {}
        await asyncio.gather(
            *(
                self._consumed(channel, partial(taken.__setitem__, number), {NUMBER: number}, no_ack=False)
                for number in numbers
            )
        )
        done: dict[int, str] = {}
        for number, got in sorted(taken.items()):
            put = makes(got, letter_of(got))
            if put is not None:
                channel.push("", *put, mandatory=True)
            channel.ack(got.tag)
            done[number] = put[0] if put is not None else ""
        await channel.call("tx.commit")
        await channel.close()
        return done

    async def _deed(self, outcome: Outcome, by: str) -> audit.Deed:
        return await audit.deed(self._client, f"dlq.{outcome.what}", self.name, by, outcome.operation)


@asynccontextmanager
async def connected(url: Url) -> AsyncIterator[Connection]:
    """A connection to penstock's queues; raises PenstockError where another server answers."""
    connection = await connect(url, name="penstock dlq")
    try:
        if not connection.is_penstock:
            raise PenstockError(
                "RabbitMQ shows no message without taking it", remedy="this works on penstock's queues"
            )
        yield connection
    finally:
        await connection.close()


def _left(found: Letter, how: How, target: str) -> str:
    """Why a letter stays where it is; empty where it does not."""
    if found.letter.redrives >= how.redrives_max:
        return f"it was sent back {found.letter.redrives} times already"
    return "" if target else "where it came from is not known: say where to"


async def _stands(connection: Connection, queue: str) -> bool:
    """Whether there is such a queue. Who may not see it may still send to it: that is found out by sending."""
    trial = await connection.channel()
    try:
        await trial.call("queue.declare", queue=queue, passive=True)
    except AmqpError as error:
        if error.code not in (NOT_FOUND, ACCESS_REFUSED):
            raise
        return error.code == ACCESS_REFUSED
    await trial.close()
    return True
