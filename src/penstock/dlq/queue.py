"""The dead letters of a queue of penstock's broker: looked at without taking, edited, sent back, purged.

A letter is the message of one number. What is done to letters is one AMQP transaction: it is taken, and what takes its
place or goes back is published, or neither; so a crash neither loses nor doubles one. Knows AMQP; knows no command.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

from penstock.amqp import AmqpError, Channel, Connection, Got, Url, connect, url_of
from penstock.amqp.errors import NOT_FOUND
from penstock.client import Client
from penstock.content import Field, Properties
from penstock.dead_letters import OWN, DeadLetter, of_record, of_x_death, redrives_of, without_marks
from penstock.dlq import audit
from penstock.dlq.source import WAITING, Filter, Group, How, Letter, Outcome, Summary, Told
from penstock.dlq.working import Pace, cut
from penstock.errors import PenstockError
from penstock.record import Record

PREFIX = "queue:"
NUMBER = "x-penstock-number"
SERVERS = ("x-death", "x-first-death-", "x-last-death-", "x-delay", NUMBER)
Takes = list[tuple[str, Properties, bytes]]
"""What is published where a letter is taken: the queue, and the message."""


def letter_of(got: Got) -> Letter:
    """A message of a queue of dead letters: a task's, one that its queue's rules sent there, or any."""
    headers = dict(got.properties.headers or {})
    name, stamp_ms = str(headers.pop(NUMBER, "")), (got.properties.timestamp or 0) * 1000
    deaths: Any = headers.get("x-death")
    plain = tuple((key, _bytes(value)) for key, value in headers.items() if not key.startswith(SERVERS))
    if deaths and not any(key == OWN + "reason" for key, _ in plain):
        found = of_x_death(got.body, dict(headers), deaths, stamp_ms)
        found = replace(found, headers=without_marks(plain), redrives=redrives_of(plain))
    else:
        found = of_record(Record(None, got.body, stamp_ms, plain))
    return Letter(name, WAITING, found.last_ms, found)


def _bytes(value: Field) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class QueueSource:
    """`name` is ``queue:`` and the queue's; `client` writes the audit."""

    def __init__(self, client: Client, name: str, url: Url | None = None) -> None:
        self.name, self._queue = name, name.removeprefix(PREFIX)
        self._client, self._url = client, url

    # --- looking -------------------------------------------------------------------------------------------------

    async def summary(self, wanted: Filter) -> Summary:
        """All that waits, counted."""
        groups: dict[tuple[str, str, str], Group] = {}
        found = await self._all()
        for each in found:
            if wanted.takes(each):
                groups.setdefault(each.letter.group_key, Group(*each.letter.group_key)).add(each)
        largest = sorted(groups.values(), key=lambda group: (-group.count, group.reason, group.exception))
        return Summary(largest, Counter({WAITING: len(found)}), True)

    async def letters(self, wanted: Filter, limit: int) -> list[Letter]:
        """The newest that are meant, newest first."""
        found = [each for each in await self._all() if wanted.takes(each)]
        return sorted(found, key=lambda each: int(each.name), reverse=True)[:limit]

    async def show(self, name: str) -> Letter:
        """One letter."""
        for each in await self._all():
            if each.name == name:
                return each
        raise PenstockError(
            f"there is no dead letter {name[:80]} in {self.name}",
            remedy=f"see them: penstock dlq list {self.name} --letters",
        )

    async def _all(self) -> list[Letter]:
        async with self._connected() as connection:
            channel = await connection.channel()
            return [
                letter_of(got) for got in await self._consumed(channel, {"x-penstock-browse": True}, True)
            ]

    async def _consumed(self, channel: Channel, arguments: dict[str, Field], no_ack: bool) -> list[Got]:
        """What a consumer gets that the server ends."""
        found, over = list[Got](), asyncio.Event()

        def take(got: Got | None) -> None:
            if got is None:
                over.set()
            else:
                found.append(got)

        await channel.consume(self._queue, take, no_ack=no_ack, arguments=arguments)
        async with asyncio.timeout(60):
            await over.wait()
        if channel.lost:
            raise channel.lost
        return found

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        connection = await connect(self._url or url_of(), name="penstock dlq")
        try:
            if not connection.is_penstock:
                raise PenstockError(
                    "RabbitMQ shows no message without taking it", remedy="this works on penstock's queues"
                )
            yield connection
        finally:
            await connection.close()

    # --- changing ------------------------------------------------------------------------------------------------

    async def edit(self, name: str, value: bytes | None, by: str) -> str:
        """The letter with another body goes to the queue's end; its new number."""
        outcome = Outcome(uuid4().hex, "edit")

        def again(got: Got, letter: DeadLetter) -> Takes:
            headers = {k: v for k, v in (got.properties.headers or {}).items() if k != NUMBER}
            made = got.properties.replaced(headers={**headers, OWN + "replaces": name})
            return [(self._queue, made, value or b"")]

        await self.show(name)
        async with self._connected() as connection:
            channel = await self._transactional(connection)
            if not await self._move(channel, [name], again):
                raise PenstockError(f"someone else holds the letter {name}", remedy="try again later")
        await self._note(outcome, by, 1, [self.name])
        return max((each.name for each in await self._all()), key=int)

    async def redrive(self, wanted: Filter, how: How, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Back to the queue that each died in, or to `how.to`; its exchange's other queues do not see it again."""
        outcome = Outcome(uuid4().hex, "redrive", dry_run)
        standing: dict[str, bool] = {}
        chosen: list[Letter] = []
        async with self._connected() as connection:
            for each in await self._meant(wanted, outcome):
                target = how.to or each.letter.origin.queue
                if target and target not in standing:
                    standing[target] = await _stands(connection, target)
                why = _left(each, how, target, standing)
                if why:
                    outcome.skipped[why] += 1
                elif not how.limit or len(chosen) < how.limit:
                    chosen.append(each)
                    outcome.targets[target] += 1

            def back(got: Got, letter: DeadLetter) -> Takes:
                plain: dict[str, Field] = {
                    k: (v or b"").decode("utf-8", "replace") for k, v in letter.headers
                }
                plain[OWN + "redrives"] = str(letter.redrives + 1)
                made = got.properties.replaced(headers=plain, expiration=None)
                return [(how.to or letter.origin.queue, made, got.body)]

            await self._deal(connection, chosen, outcome, back, (by, told, how.rate))
        return outcome

    async def purge(self, wanted: Filter, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Take them, and put nothing in their place."""
        outcome = Outcome(uuid4().hex, "purge", dry_run)
        async with self._connected() as connection:
            chosen = await self._meant(wanted, outcome)
            await self._deal(connection, chosen, outcome, lambda got, letter: [], (by, told, 0.0))
        return outcome

    async def _meant(self, wanted: Filter, outcome: Outcome) -> list[Letter]:
        found = await self._all()
        outcome.total = outcome.read = len(found)
        meant = [each for each in found if wanted.takes(each)]
        outcome.matched = len(meant)
        return meant

    async def _deal(
        self,
        connection: Connection,
        chosen: Sequence[Letter],
        outcome: Outcome,
        makes: Any,
        how: tuple[str, Told, float],
    ) -> None:
        by, told, rate = how
        pace = Pace(rate)
        channel = await self._transactional(connection)
        for batch in cut(chosen, min(pace.batch, 100)):
            if outcome.dry_run:
                outcome.done += len(batch)
                continue
            done = await self._move(channel, [each.name for each in batch], makes)
            outcome.done += done
            if done < len(batch):
                outcome.skipped["someone else holds it"] += len(batch) - done
            await self._note(outcome, by, done, sorted(outcome.targets))
            told(outcome)
            await pace.keep(len(batch))
        outcome.state = "done"

    async def _transactional(self, connection: Connection) -> Channel:
        channel = await connection.channel()
        await channel.call("tx.select")
        return channel

    async def _move(self, channel: Channel, names: Sequence[str], makes: Any) -> int:
        """One transaction: letters are taken, and what `makes` says is published. How many there were."""
        count = 0
        for name in names:
            for got in await self._consumed(channel, {NUMBER: int(name)}, False):
                for queue, properties, body in makes(got, letter_of(got).letter):
                    channel.push("", queue, properties, body)
                channel.ack(got.tag)
                count += 1
        await channel.call("tx.commit")
        return count

    async def _note(self, outcome: Outcome, by: str, count: int, to: list[str]) -> None:
        await self._client.create_topic(audit.TOPIC, 1, audit.SETTINGS, exist_ok=True)
        what = f"dlq.{outcome.what}"
        await audit.note(
            self._client, audit.entry(what, self.name, by, outcome.operation, count=count, to=to)
        )


def _left(found: Letter, how: How, target: str, standing: dict[str, bool]) -> str:
    """Why a letter stays where it is; empty where it does not."""
    if found.letter.redrives >= how.redrives_max:
        return f"it was sent back {found.letter.redrives} times already"
    if not target:
        return "where it came from is not known: say where to"
    return "" if standing[target] else f"the queue {target} is gone: say where to"


async def _stands(connection: Connection, queue: str) -> bool:
    trial = await connection.channel()
    try:
        await trial.call("queue.declare", queue=queue, passive=True)
    except AmqpError as error:
        if error.code != NOT_FOUND:
            raise
        return False
    await trial.close()
    return True
