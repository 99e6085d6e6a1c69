"""All queues of one broker: virtual hosts, clients, and what of them must last. Answers no call itself.

Messages move in `moving/`: a turn's calls stir queues (`Turn`), and let channels have something to say (`Leases`); `settle`
ends the turn.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from penstock.broker.ledger.ledger import Ledger
from penstock.broker.ledger.recovery import Recovered
from penstock.broker.queues.around import Around
from penstock.broker.queues.channel import Channel, Client
from penstock.broker.queues.declared import definitions
from penstock.broker.queues.declared.room import Room, bytes_of
from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.delaying.delays import Delays
from penstock.broker.queues.delaying.postponed import Postponed
from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.moving.contents import Contents
from penstock.broker.queues.moving.hand_out import bring_up
from penstock.broker.queues.moving.idleness import Idleness
from penstock.broker.queues.moving.leases import Leases
from penstock.broker.queues.moving.letters import Letters
from penstock.broker.queues.moving.patience import Patience
from penstock.broker.queues.moving.turn import Turn
from penstock.broker.queues.queue.queue import Queue, fill
from penstock.broker.queues.queue.ready import Item
from penstock.broker.queues.topics.feeds import Feeds
from penstock.broker.turns.seldom import Seldom
from penstock.broker.turns.timers import Timer
from penstock.calls.queues import Arguments
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.log import Partition

TOTALS = ("published", "delivered", "acked")
UPKEEP_S = 1.0
"""From the first block to a look at whether the ledger's log should be made shorter, in seconds."""


class Queues:
    """`clients`: all there are; `by_id`: queues, replies' too; `streams`: by their topic."""

    def __init__(self, ledger: Ledger, around: Around, now: Now) -> None:
        self.ledger, self.around = ledger, around
        self.clients: dict[Client, None] = {}
        recovered = ledger.load(now)
        self.vhosts = definitions.rebuild(recovered.definitions)
        self.by_id = {queue.id: queue for vhost in self.vhosts.values() for queue in vhost.queues.values()}
        self._last_id = max([0, *self.by_id, *recovered.queues])
        self.turn = turn = Turn(ledger, around)
        self.contents = contents = Contents(ledger, around.notices)
        self.leases = Leases(ledger, contents, around.errands)
        self.letters = Letters(turn, contents, around.errands, self.vhosts)
        self.delays = Delays(turn, contents, around.errands, self.next_id)
        self.feeds = Feeds(turn, around)
        self.postponed = Postponed(ledger, around, contents, self.next_id, self.write)
        self.idleness = Idleness(around.timers, self._remove_idle)
        self.patience = Patience(around.timers, self.clients)
        self.room = Room(around.options)
        self.transactions_bytes = 0  # of what waits for commits
        self.publishing: dict[Channel, None] = {}  # in this turn
        self.committing: dict[tuple[int, int], tuple[Queue, Item]] = {}
        self._dropped = Seldom()
        self._safe: Later[object] | None = None  # what this turn's askers wait for
        self.totals = dict.fromkeys(TOTALS, 0)  # of queues that are gone
        self.streams: dict[str, list[Queue]] = {}
        for queue in self.by_id.values():
            self._note_stream(queue)
        self._upkeep: Timer | None = None
        self._fill(recovered, now)
        ledger.taken_back = self._taken_back

    def next_id(self) -> int:
        """A number that no queue had, as far as anything still knows."""
        self._last_id += 1
        return self._last_id

    def when_safe(self, answer: object, now: Now, lasting: bool = True) -> object:
        """The answer, once all that was done so far is on disk; at once where nothing of it lasts."""
        if not lasting:
            return answer
        shared = answer is None and self.ledger.urgent  # all who ask in one turn ask the same
        if shared and self._safe is not None:
            return self._safe
        later: Later[object] = Later()
        if shared:
            self._safe = later

        def appended(failed: Refused | None, refused: Refused | None, now: Now) -> None:
            no = failed or refused
            later.resolve(answer if no is None else no)

        def written(refused: Refused | None, now: Now) -> None:
            self.turn.appends.when_safe(partial(appended, refused), now)

        self.ledger.when_safe(written, now)
        return later

    def settle(self, now: Now, syncing: bool = False) -> None:
        """The end of a turn: messages move, and what happened to them is written as one.

        While the disk is `syncing` nothing more becomes safe: then turns in which messages only came become
        one, which costs as much as each of them would.
        """
        self._move(now)
        if not (syncing and self.ledger.may_go_on and self.turn.appends.nothing and self.feeds.nothing):
            self.write(now)
        if (self.by_id or self.postponed.parks) and (self._upkeep is None or self._upkeep.over):
            self._upkeep = self.around.timers.at(now.mono_s + UPKEEP_S, self._keep_up)

    def _move(self, now: Now) -> None:
        """Let messages move until nothing is stirred any more; who was given some hears of it."""
        turn = self.turn
        while turn.stirred or turn.drawn or turn.dead.fresh or self.feeds.due:
            stirred, turn.stirred = turn.stirred, {}
            for queue in stirred:
                if not queue.gone:
                    bring_up(turn, queue, now)
            self.letters.send(now)
            self.feeds.pull(now)
        if self.leases.waiting:
            self.leases.settle(now)

    def write(self, now: Now) -> None:
        """What happened so far becomes a block of the ledger: at a turn's end, or for who cannot wait for that. What left
        for topics is written there first: if it cannot be, it did not leave."""
        self._now, self._safe = now, None
        failed = self.turn.appends.flush(now)
        if failed is not None and failed.reason is Refusal.OVER_SEGMENT:
            if count := self._dropped.add(now):
                times = "" if count == 1 else f", {count} times since this was told last"
                self.around.notices.append(f"what left a queue was dropped{times}: {failed.detail}")
            failed = None  # it never fits
        self.ledger.flush(now, failed)
        self.letters.leaving.clear()
        self.publishing.clear()
        self.committing.clear()
        self.feeds.settled(now)

    def woken(self, partition: Partition) -> None:
        """There is more to be read of a topic."""
        for queue in self.streams.get(partition.topic, ()):
            for consumer in queue.turns.all:
                consumer.wake()
        self.feeds.woken(partition.topic)

    def _keep_up(self, now: Now) -> None:
        """A slice of what keeps the ledger short, and the next when it is due. The ledger must have nothing gathered then, so
        the turn ends here."""
        self._move(now)
        self.write(now)
        pause_s = self.ledger.upkeep(now)
        if pause_s is not None:
            self._upkeep = self.around.timers.at(now.mono_s + pause_s, self._keep_up)

    def _fill(self, recovered: Recovered, now: Now) -> None:
        """Put what the ledger has into the queues. What it has of queues that are gone, it may forget."""
        self._now = now
        for vhost in self.vhosts.values():
            park: Any = recovered.definitions.get(definitions.delay_key(vhost))
            if park is not None:
                self._last_id = max(self._last_id, park["id"])
                self.delays.fill(vhost, park["id"], recovered.queues.pop(park["id"], None), now)
        self._last_id = max(self._last_id, self.postponed.fill(recovered, now))
        for number, waiting in recovered.queues.items():
            queue = self.by_id.get(number)
            if queue is None:
                self.ledger.drop(number, waiting.numbers)
            else:
                fill(queue, waiting)
        for queue in self.by_id.values():
            self.idleness.used(queue, now)
            self.turn.stir(queue)
            if queue.asked.topic is not None:
                self.feeds.fill(queue, recovered.definitions.get(definitions.feed_key(queue)))

    def _taken_back(self, numbers: range, together: Sequence[tuple[int, int]], refused: Refused) -> None:
        """The turn could not be written: its messages are in no queue, and what was to go with them stays. Who published
        and has not asked yet whether that is safe hears of it when he does."""
        for channel in self.publishing:
            if channel.unsafe:
                channel.failed = refused
        for queue in self.by_id.values():
            queue.ready.remove_from(numbers.start)
        for channel in (channel for client in self.clients for channel in client.channels):
            channel.disown(numbers.start)
        for key in together:
            if key in self.committing:
                queue, item = self.committing[key]
                queue.ready.give_back((*item[:3], item[3] + 1, item[4]))
                self.turn.stir(queue)
        self.letters.taken_back(together, self._now)
        self.feeds.taken_back(self._now)
        self.delays.taken_back(numbers, together, self._now)

    # --- what there is -------------------------------------------------------------------------------------------

    def refuse(self, kind: str, vhost: Vhost, name: str, arguments: Arguments) -> str | None:
        """Why there is no room for another queue, exchange or binding; None where there is."""
        of_all = [one.declared for one in self.vhosts.values()]
        more_bytes = bytes_of(kind, name, arguments)
        return self.room.refuse(kind, vhost.name, of_all, vhost.declared, more_bytes)

    def add_vhost(self, name: str) -> None:
        """A new one."""
        self.vhosts[name] = Vhost(name)
        self.ledger.define(definitions.vhost_key(name), {})

    def add_exchange(self, vhost: Vhost, exchange: Exchange) -> None:
        """A new one."""
        vhost.add_exchange(exchange)
        if exchange.durable:
            self.ledger.define(definitions.exchange_key(exchange), definitions.exchange_value(exchange))

    def add_queue(self, vhost: Vhost, queue: Queue) -> None:
        """A new one."""
        vhost.add_queue(queue)
        self.by_id[queue.id] = queue
        self._note_stream(queue)
        self._define(queue)

    def is_worked(self, queue: Queue) -> None:
        """A consumer comes to it. That there ever was one lasts."""
        if not queue.worked:
            queue.worked = True
            self._define(queue)

    def _define(self, queue: Queue) -> None:
        if queue.kept:
            self.ledger.define(definitions.queue_key(queue), definitions.queue_value(queue))

    def bind(self, vhost: Vhost, binding: Binding) -> bool:
        """Whether something that lasts changed."""
        changed = vhost.bind(binding) and definitions.lasts(binding)
        if changed:
            self.ledger.define(definitions.binding_key(binding), {})
        return changed

    def unbind(self, vhost: Vhost, binding: Binding) -> bool:
        """Whether something that lasts changed. The source goes with its last binding, where it was declared so."""
        found = vhost.unbind(binding)
        if found is None:
            return False
        self._forget_bindings(vhost, [found])
        return definitions.lasts(found)

    def remove_exchange(self, vhost: Vhost, exchange: Exchange) -> None:
        """It, and its bindings."""
        gone = vhost.remove_exchange(exchange)
        if exchange.durable:
            self.ledger.define(definitions.exchange_key(exchange), None)
        self._forget_bindings(vhost, gone)

    def remove_queue(self, vhost: Vhost, queue: Queue) -> int:
        """It, its bindings, its consumers (who hear of it) and its messages; how many were ready."""
        queue.gone = True
        gone = vhost.remove_queue(queue)
        for timer in (queue.expiry, queue.idle):
            if timer is not None:
                timer.cancel()
        for consumer in list(queue.turns.all):
            consumer.cancel()
        count = len(queue.ready)
        numbers = queue.ready.clear()
        numbers.extend(self._held_of(queue))
        self.ledger.drop(queue.id, numbers)
        for name in TOTALS:
            self.totals[name] += getattr(queue, name)
        self.feeds.remove(queue)
        if queue.is_stream:
            self.streams[queue.topic].remove(queue)
        if queue.owner is not None:
            queue.owner.queues.pop(queue, None)
        self.turn.stirred.pop(queue, None)
        self.by_id.pop(queue.id, None)
        if queue.kept:
            self.ledger.define(definitions.queue_key(queue), None)
        self._forget_bindings(vhost, gone)
        return count

    def _remove_idle(self, queue: Queue) -> None:
        vhost = self.vhosts.get(queue.vhost)
        if vhost is not None:
            self.remove_queue(vhost, queue)

    def remove_vhost(self, vhost: Vhost) -> None:
        """It, with all in it."""
        for queue in list(vhost.queues.values()):
            self.remove_queue(vhost, queue)
        for exchange in [
            one for one in vhost.exchanges.values() if one.name and not one.name.startswith("amq.")
        ]:
            if exchange.name in vhost.exchanges:
                self.remove_exchange(vhost, exchange)
        for binding in list(vhost.bindings()):
            self.unbind(vhost, binding)
        self.delays.remove(vhost)
        del self.vhosts[vhost.name]
        self.ledger.define(definitions.vhost_key(vhost.name), None)

    def purge(self, queue: Queue) -> int:
        """Forget what is ready; how much it was."""
        numbers = queue.ready.clear()
        if numbers:
            self.ledger.settle_many(queue.id, numbers)
        return len(numbers)

    def _note_stream(self, queue: Queue) -> None:
        if queue.is_stream:
            self.streams.setdefault(queue.topic, []).append(queue)

    def _held_of(self, queue: Queue) -> list[int]:
        """What clients hold of it, and what is on its way to its dead-letter exchange."""
        found = self.turn.dead.held_of(queue)
        if queue.held:
            for channel in (channel for client in self.clients for channel in client.channels):
                found += channel.held_of(queue)
        return found

    def _forget_bindings(self, vhost: Vhost, gone: list[Binding]) -> None:
        for binding in gone:
            if definitions.lasts(binding):
                self.ledger.define(definitions.binding_key(binding), None)
        for source in {binding.source for binding in gone}:
            if source.auto_delete and not source.bindings and source.name in vhost.exchanges:
                self.remove_exchange(vhost, source)

    def measures(self) -> dict[str, float]:
        """Gauges and counters by Prometheus name."""
        channels = [channel for client in self.clients for channel in client.channels]
        ready = unacked = consumers = published = delivered = acked = 0
        for queue in self.by_id.values():  # one pass: there may be very many
            published += queue.published
            delivered += queue.delivered
            acked += queue.acked
            unacked += queue.held
            if queue.ready.occupied:
                ready += len(queue.ready)
            if queue.turns.all:
                consumers += len(queue.turns)
        totals = self.totals
        return {
            "penstock_queues": len(self.by_id),
            "penstock_queue_ready_messages": ready,
            "penstock_queue_unacked_messages": unacked,
            "penstock_queue_delayed_messages": sum(len(park.parked) for park in self.delays.parks.values()),
            "penstock_topic_delayed_records": len(self.postponed),
            "penstock_queue_published_total": totals["published"] + published,
            "penstock_queue_delivered_total": totals["delivered"] + delivered,
            "penstock_queue_acked_total": totals["acked"] + acked,
            "penstock_queue_clients": len(self.clients),
            "penstock_queue_channels": len(channels),
            "penstock_queue_consumers": consumers,
            **self.ledger.measures(),
        }
