"""Random programs of several clients, with crashes, against a plain model of what each queue may hold.

Held to: what was confirmed and not acknowledged is there, once a queue; what was acknowledged, once that was safe, never
comes again; nobody gets what another one holds; what is delivered for the first time comes in the order of its publishing.
"""

import random
from collections import Counter as Bag
from contextlib import suppress

import pytest

from penstock.calls import queues
from penstock.calls.queues import Delivery
from penstock.testing.disk import Crashed
from tests.queues.counter import Counter, Guest

PROGRAMS, STEPS = 60, 60
NAMES = ("q", "dlq", "r")


class World:
    """A broker and what its clients know. `q` sends what it rejects or loses to `dlq`; `r` gets a copy of everything."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.counter = Counter(seed)
        self.counter.disk.cold = self.chance.choice((0, 0.5))  # what a restart has to read again
        self.published = 0
        self.sure: dict[str, set[bytes]] = {"q": set(), "r": set()}  # that must be in q or dlq, and in r
        self.unsure: dict[str, set[bytes]] = {
            "q": set(),
            "r": set(),
        }  # that may be: unconfirmed, or their end is unsure
        self.over: dict[str, set[bytes]] = {"q": set(), "r": set()}  # acknowledged, and that is safe
        self.ending: dict[str, set[bytes]] = {
            "q": set(),
            "r": set(),
        }  # acknowledged, and that is not safe yet
        self.held: Bag[tuple[str, bytes]] = Bag()
        self.last: dict[str, int] = {}
        self.guests: list[Holder] = []
        guest = self.counter.guest()
        guest.exchange("e", "fanout")
        kind = self.chance.choice(("classic", "quorum"))
        how = {"x_message_ttl": 2000} if self.chance.random() < 0.5 else {}
        guest.queue("q", x_queue_type=kind, x_dead_letter_exchange="", x_dead_letter_routing_key="dlq", **how)
        guest.queue("dlq")
        guest.queue("r")
        for name in "qr":
            guest.bind(name, "e")
        guest.on(queues.AwaitSafe)

    # --- steps ---------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One of them, by chance; a crash comes in the middle of it, or not at all."""
        steps = (
            self.publish,
            self.publish,
            self.take,
            self.take,
            self.settle,
            self.settle,
            self.settle,
            self.leave,
        )
        chance = self.chance
        self.counter.skip_sync = chance.random() < 0.4
        crashing = chance.random() < 0.08
        if crashing:
            self.counter.disk.crash_at = chance.randrange(8)
        with suppress(Crashed):
            chance.choice((*steps, self.wait, self.confirm))()
        if crashing:
            self.restart()
        elif not self.counter.skip_sync:
            self.counter.end_turn()
            self.all_is_safe()

    def publish(self) -> None:
        guest = self.someone()
        bodies = [b"%d" % (self.published + number) for number in range(self.chance.randrange(1, 5))]
        self.published += len(bodies)
        for name in "qr":
            self.unsure[name].update(bodies)
        guest.guest.publish(*bodies, exchange="e")

    def take(self) -> None:
        someone = self.someone()
        name = self.chance.choice(NAMES)
        if self.chance.random() < 0.5:
            got = someone.guest.get(name)
            if got is not None:
                someone.take(name, got.delivery)
        elif name not in someone.guest.channel.consumers:
            someone.guest.on(queues.SetPrefetch, self.chance.randrange(1, 6))
            someone.guest.consume(name, name)

    def settle(self) -> None:
        someone = self.someone()
        someone.collect()
        if not someone.holds:
            return
        tag = self.chance.choice(list(someone.holds))
        multiple = self.chance.random() < 0.3
        tags = [one for one in someone.holds if one == tag or (multiple and one < tag)]
        mark = self.chance.choice(("ack", "ack", "requeue", "reject"))
        for one in tags:
            name, body = someone.holds.pop(one)
            self.held[name, body] -= 1
            if mark == "ack" or (mark == "reject" and name != "q"):
                place = "r" if name == "r" else "q"
                self.sure[place].discard(body)
                self.unsure[place].discard(body)
                self.ending[place].add(body)
        getattr(someone.guest, mark)(tag, multiple=multiple)

    def leave(self) -> None:
        someone = self.someone()
        self.guests.remove(someone)
        someone.forget()
        someone.guest.close()

    def wait(self) -> None:
        self.counter.later(self.chance.choice((0.5, 2.5)))

    def confirm(self) -> None:
        self.counter.skip_sync = False
        assert self.someone().guest.on(queues.AwaitSafe) is None

    # --- what must hold -------------------------------------------------------------------------------------------------

    def all_is_safe(self) -> None:
        for place in "qr":
            self.sure[place] |= self.unsure[place]
            self.over[place] |= self.ending[place]
            self.unsure[place].clear()
            self.ending[place].clear()
        for guest in self.guests:
            guest.collect()

    def restart(self) -> None:
        self.counter.skip_sync = False
        self.counter.restart()
        self.guests.clear()
        self.held.clear()
        self.check()

    def check(self) -> None:
        """Look at all queues: what stands in them is what may be there; and the model knows it from now on."""
        looker = self.counter.guest()
        found = {name: everything(looker, name) for name in NAMES}
        looker.close()
        for place, bodies in (("q", found["q"] + found["dlq"]), ("r", found["r"])):
            twice = [body for body, count in Bag(bodies).items() if count > 1]
            assert not twice, f"{twice} twice in {place}"
            assert self.sure[place] <= set(bodies), f"lost in {place}: {self.sure[place] - set(bodies)}"
            allowed = self.sure[place] | self.unsure[place] | self.ending[place]
            assert set(bodies) <= allowed, f"again in {place}: {set(bodies) - allowed}"
            self.over[place] |= (self.unsure[place] | self.ending[place]) - set(bodies)
            self.sure[place] = set(bodies)
            self.unsure[place].clear()
            self.ending[place].clear()

    def someone(self) -> "Holder":
        if len(self.guests) < 3:
            self.guests.append(Holder(self, self.counter.guest()))
        return self.chance.choice(self.guests)


class Holder:
    """One client and what it holds, by tag."""

    def __init__(self, world: World, guest: Guest) -> None:
        self.world, self.guest = world, guest
        self.holds: dict[int, tuple[str, bytes]] = {}
        self.seen = 0

    def collect(self) -> None:
        """Take note of what its consumers got."""
        for delivery in self.guest.got[self.seen :]:
            self.take(delivery.consumer, delivery)
        self.seen = len(self.guest.got)

    def take(self, name: str, delivery: Delivery) -> None:
        body = delivery.content.body
        self.holds[delivery.tag] = name, body
        self.world.held[name, body] += 1
        assert body not in self.world.over["r" if name == "r" else "q"], "it was acknowledged"
        if not delivery.redelivered and name != "dlq":
            self.world.last[name] = max(self.world.last.get(name, -1), int(body))

    def forget(self) -> None:
        self.collect()
        for held in self.holds.values():
            self.world.held[held] -= 1


def everything(guest: Guest, name: str) -> list[bytes]:
    found = []
    while (got := guest.get(name)) is not None:
        found.append(got.delivery.content.body)
    return found


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_random_program_loses_nothing_and_doubles_nothing(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
        for guest in world.guests:
            guest.collect()
        assert max(world.held.values(), default=0) <= 1, "two hold the same message"
    for guest in list(world.guests):
        guest.forget()
        guest.guest.close()
    world.counter.skip_sync = False
    world.counter.end_turn()
    world.check()


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_first_deliveries_come_in_order_whatever_is_given_back(kind: str) -> None:
    chance = random.Random(kind)
    counter = Counter()
    publisher = counter.guest()
    publisher.queue(x_queue_type=kind)
    guests = [counter.guest() for _ in range(3)]
    for guest in guests:
        guest.on(queues.SetPrefetch, chance.randrange(1, 4))
        guest.consume()
    firsts: list[int] = []
    seen = dict.fromkeys(guests, 0)
    for number in range(300):
        publisher.publish(b"%d" % number)
        guest = chance.choice(guests)
        for delivery in guest.got[seen[guest] :]:
            (guest.requeue if chance.random() < 0.4 else guest.ack)(delivery.tag)
            seen[guest] += 1
            break
    for guest in guests:
        mine = [int(one.content.body) for one in guest.got if not one.redelivered]
        assert mine == sorted(mine)
        firsts += mine
    assert sorted(firsts) == list(range(len(firsts)))
