"""Any calls in any order: nothing breaks, and the books agree afterwards.

The ledger holds exactly the messages that are ready, held or parked somewhere; what queues, channels and consumers count
as held is what stands in their channels.
"""

import random
from collections import Counter as Bag
from typing import Any

import pytest

from penstock.calls import queues
from penstock.calls.queues import Mark, Settlement
from penstock.errors import Refused
from tests.queues.counter import Counter, Guest

NAMES = ("a", "b", "c", "d")
EXCHANGES = ("", "amq.direct", "amq.topic", "amq.fanout", "amq.headers", "x", "y")


def some_arguments(chance: random.Random) -> dict[str, Any]:
    choices: dict[str, Any] = {
        "x-message-ttl": chance.choice((0, 50, 500)), "x-max-length": chance.choice((0, 1, 5)),
        "x-max-length-bytes": chance.choice((0, 10)), "x-max-priority": chance.choice((1, 4)),
        "x-overflow": chance.choice(("drop-head", "reject-publish", "reject-publish-dlx")),
        "x-dead-letter-exchange": chance.choice(EXCHANGES), "x-expires": chance.choice((100, 1000)),
        "x-single-active-consumer": chance.random() < 0.5, "x-queue-type": chance.choice(("classic", "quorum", "stream")),
        "x-delivery-limit": chance.choice((0, 2)), "x-penstock-topic": "t",
    }  # fmt: skip
    return {name: choices[name] for name in chance.sample(list(choices), chance.randrange(4))}


def some_properties(chance: random.Random) -> dict[str, Any]:
    choices: dict[str, Any] = {
        "expiration": chance.choice(("0", "100", "1000")), "priority": chance.randrange(6),
        "delivery_mode": chance.choice((1, 2)),
        "headers": chance.choice(
            ({"x-delay": 200}, {"CC": ["a", "b"]}, {"BCC": ["c"]}, {"x-death": "junk"}, {"x-death": [{"queue": 5}]}, {})
        ),
        "reply_to": "amq.rabbitmq.reply-to",
    }  # fmt: skip
    return {name: choices[name] for name in chance.sample(list(choices), chance.randrange(3))}


class Anyone:
    """A guest that does anything."""

    def __init__(self, guest: Guest, chance: random.Random) -> None:
        self.guest, self.chance = guest, chance

    def act(self) -> Any:
        chance, guest = self.chance, self.guest
        name, key = chance.choice(NAMES), chance.choice((*NAMES, "a.b", "#", "*", ""))
        flag = chance.random() < 0.3
        acts = (
            lambda: guest.on(
                queues.DeclareQueue, name, passive=flag, durable=chance.random() < 0.7,
                exclusive=chance.random() < 0.1, auto_delete=chance.random() < 0.2, arguments=some_arguments(chance),
            ),
            lambda: guest.on(queues.DeleteQueue, name, if_empty=flag),
            lambda: guest.on(queues.PurgeQueue, name),
            lambda: guest.exchange(chance.choice("xy"), chance.choice(("direct", "topic", "fanout", "headers")), durable=flag),
            lambda: guest.on(queues.DeleteExchange, chance.choice("xy")),
            lambda: guest.bind(name, chance.choice(EXCHANGES), key),
            lambda: guest.on(queues.UnbindQueue, name, chance.choice(EXCHANGES), key),
            lambda: guest.on(queues.BindExchange, chance.choice("xy"), chance.choice(EXCHANGES), key),
            lambda: guest.consume(name, chance.choice(("", "one")), no_ack=flag),
            lambda: guest.consume("amq.rabbitmq.reply-to", no_ack=True),
            lambda: guest.consume(name, no_ack=True, arguments={"x-penstock-browse": True}),
            lambda: guest.consume(name, arguments={"x-penstock-number": chance.randrange(50)}),
            lambda: guest.on(queues.Unsubscribe, chance.choice(list(guest.channel.consumers) or ["one"])),
            lambda: guest.on(queues.SetPrefetch, chance.randrange(4), flag),
            lambda: guest.on(queues.SelectTransaction) if flag else None,
            lambda: guest.on(queues.CommitTransaction),
            lambda: guest.on(queues.RollbackTransaction),
            lambda: guest.on(queues.Recover),
            lambda: guest.on(queues.AwaitSafe),
            lambda: guest.told(queues.DescribeQueues),
            *[self.publish] * 8, *[self.settle] * 8, *[lambda: guest.get(name, flag)] * 4,
        )  # fmt: skip
        return chance.choice(acts)()

    def publish(self) -> Any:
        chance = self.chance
        bodies = [bytes(chance.randrange(9)) for _ in range(chance.randrange(1, 6))]
        how = some_properties(chance)
        return self.guest.publish(
            *bodies, exchange=chance.choice(EXCHANGES), to=chance.choice(NAMES), mandatory=True, **how
        )

    def settle(self) -> Any:
        tags = [0, *self.guest.channel.unacked, 10_000]
        chance = self.chance
        some = [
            Settlement(
                chance.choice(tags),
                chance.random() < 0.3,
                chance.choice(list(Mark)),
                chance.choice((1, 1, 2, 4)),
            )
            for _ in range(2)
        ]
        return self.guest.on(queues.Settle, some)


def check_books(counter: Counter) -> None:
    everything = counter.queues
    held: Bag[Any] = Bag()
    numbers: set[int] = set()
    for channel in (channel for client in everything.clients for channel in client.channels):
        by_consumer: Bag[Any] = Bag()
        settling = [found for _, found in channel.transaction.settled] if channel.transaction else []
        for queue, consumer, item in (one for some in (channel.unacked, *settling) for one in some.values()):
            held[queue] += not queue.gone
            by_consumer[consumer] += 1
            if not queue.gone and not queue.is_stream:
                numbers.add(item[0])
        assert channel.held == sum(count for consumer, count in by_consumer.items() if consumer is not None)
        for consumer in channel.consumers.values():
            assert consumer.held == by_consumer[consumer]
    for queue in everything.by_id.values():
        assert queue.held == held[queue]
        items = list(queue.ready)
        assert len(items) == len(queue.ready) == len({item[0] for item in items})
        assert queue.ready.bytes == sum(item[1] for item in items)
        numbers.update(item[0] for item in items)
    for park in everything.delays.parks.values():
        numbers.update(park.parked.numbers())
    assert everything.ledger.measures()["penstock_queue_messages"] == len(numbers)


@pytest.mark.parametrize("seed", range(40))
def test_the_books_agree_after_any_program(seed: int) -> None:
    chance, counter = random.Random(seed), Counter(seed)
    people: list[Anyone] = []
    for _ in range(120):
        if len(people) < 3:
            people.append(Anyone(counter.guest(), chance))
        one = chance.choice(people)
        answer = one.act()
        if isinstance(answer, Refused) and chance.random() < 0.3:
            one.guest.close()
            people.remove(one)
        if chance.random() < 0.1:
            counter.later(chance.choice((0.06, 0.6)))
        if chance.random() < 0.02:
            counter.restart(crash=chance.random() < 0.5)
            people.clear()
        check_books(counter)
