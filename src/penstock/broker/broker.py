"""The broker: answers every call, and says when it next needs time, a sync or an ear.

The driver's side of the bargain: after `answer`, where `needs_sync`, run a sync of the log and hand the partitions
that moved to `moved`; call `tick` when `next_wake_s` is over; `drop` what a dead connection waited for. Whoever watches
a `Later` does not call the broker from there: it is in the middle of something.
"""

from collections.abc import Callable, Iterable, Mapping

from penstock.broker import access
from penstock.broker.access import login
from penstock.broker.access.logins import Work
from penstock.broker.answers import ANSWERS
from penstock.broker.groups import admin, join, presence, sync
from penstock.broker.groups.offsets import commit
from penstock.broker.groups.offsets import delete as delete_offsets
from penstock.broker.groups.offsets.expire import keep_expiring
from penstock.broker.groups.rebalance import watch_sessions
from penstock.broker.options import BrokerOptions
from penstock.broker.queues import answering
from penstock.broker.records import append, epochs, fetch, init_producer, list_offsets
from penstock.broker.state import State
from penstock.broker.topics import alter, configs, create, delete, describe, partitions, trim
from penstock.broker.transactions import describe as describe_transactions
from penstock.broker.transactions import end, enlist, offsets
from penstock.broker.transactions.upkeep import resume
from penstock.broker.turns.errands import Errand
from penstock.calls import Call
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Log, Partition
from penstock.users.directory import Directory

__all__ = ["Broker", "BrokerOptions"]

ANSWERING = (
    append, fetch, init_producer, list_offsets, epochs,
    alter, configs, create, delete, describe, partitions, trim,
    join, sync, presence, admin, commit, enlist, end, offsets, describe_transactions, delete_offsets, login, answering,
)  # fmt: skip
"""The modules whose functions answer calls: importing them fills the table."""


class Broker:
    """One node. `randomness(n)` gives n random bytes: member ids come from it, so a test may choose them."""

    def __init__(
        self,
        log: Log,
        options: BrokerOptions,
        now: Now,
        randomness: Callable[[int], bytes],
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """`facts` are settings that only the process knows, shown by DescribeConfigs (advertised.listeners, …)."""
        self._state = State(log, options, randomness, now)
        self._state.facts = facts or {}
        watch_sessions(self._state.groups)
        keep_expiring(self._state, now)
        resume(self._state, now)

    def answer(self, call: Call, now: Now) -> object:
        """The answer, `Refused`, or a `Later` of either."""
        state = self._state
        state.counts.request(type(call))
        function = ANSWERS.get(type(call))
        if function is None:
            return Refused(Refusal.UNSUPPORTED, type(call).__name__)
        return access.guard(call, state.directory, state.log.by_id, lambda call: function(state, call, now))

    def use_users(self, directory: Directory) -> None:
        """From now on these users and rules hold."""
        self._state.directory = directory

    def settle(self, now: Now, syncing: bool = False) -> None:
        """The end of a turn: do what all its calls share. May make a sync needed. `syncing`: one runs, and there will be
        another turn when it has ended."""
        self._state.queues.settle(now, syncing)

    def tick(self, now: Now) -> None:
        """Let time pass: sessions, waits and rebalances that are due end. Cheap when nothing is."""
        self._state.timers.run_due(now)

    def next_wake_s(self, now: Now) -> float | None:
        """Seconds until `tick` has something to do, None while nothing waits for time."""
        due_s = self._state.timers.next_s()
        return None if due_s is None else max(0.0, due_s - now.mono_s)

    def moved(self, partitions: Iterable[Partition], now: Now) -> None:
        """These partitions' durable ends advanced: answer who waits for the disk, wake who waits for records."""
        for partition in partitions:
            self._state.durability.moved(partition, now)

    @property
    def needs_sync(self) -> bool:
        """Whether someone's bytes are not safe yet."""
        return bool(self._state.durability.dirty)

    def drop(self, token: object) -> None:
        """A connection died: the `Later` it was given is answered to nobody."""
        source = access.source_of(token)
        self._state.errands.drop(source, self._state.waits.drop)
        self._state.waits.drop(source)

    def take_work(self) -> list[Work]:
        """What costs too much time to be done here: for the driver's threads."""
        return self._state.logins.take_work()

    def take_errands(self) -> list[Errand]:
        """What reads or seeks for longer than a turn may last: for the driver's threads, piece by piece."""
        return self._state.errands.take()

    def take_notices(self) -> list[str]:
        """Sentences for the driver to log, each once."""
        notices = list(self._state.notices)
        self._state.notices.clear()
        return notices

    def measures(self) -> Mapping[str, float]:
        """Counters and gauges by Prometheus name."""
        state = self._state
        partitions = sum(len(topic.partitions) for topic in state.log.topics.values())
        gauges = {
            "penstock_waiting_fetches": len(state.waits),
            "penstock_errands": len(state.errands),
            "penstock_groups": len(state.groups.by_name),
            "penstock_group_members": sum(len(group.members) for group in state.groups.by_name.values()),
            "penstock_group_bytes": state.groups.room.held_bytes,
            "penstock_group_rebalances_total": state.groups.rebalances,
            "penstock_transactional_ids": len(state.transactions.by_name),
            "penstock_open_transactions": sum(one.open for one in state.transactions.by_name.values()),
            "penstock_topics": len(state.log.topics),
            "penstock_partitions": partitions,
            "penstock_unsynced_partitions": len(state.durability.dirty),
        }
        return {**state.counts.sums, **gauges, **state.queues.measures()}
