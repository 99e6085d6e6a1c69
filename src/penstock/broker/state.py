"""What the answering functions share: the log, the options, and who waits for what.

Holds things and wires them together; decides nothing.
"""

from collections.abc import Callable, Mapping

from penstock.broker.access.logins import Logins
from penstock.broker.groups.groups import Groups
from penstock.broker.groups.offsets.store import OffsetStore
from penstock.broker.ledger.ledger import Ledger
from penstock.broker.options import BrokerOptions
from penstock.broker.queues.around import Around
from penstock.broker.queues.queues import Queues
from penstock.broker.records.durable import Durability
from penstock.broker.records.lines import Lines
from penstock.broker.records.producer_ids import ProducerIds
from penstock.broker.records.sequences import Sequences
from penstock.broker.records.waits import FetchWaits
from penstock.broker.topics.internal import InternalTopics
from penstock.broker.topics.settings import Settings, TopicSettings
from penstock.broker.transactions.aborted import Markers
from penstock.broker.transactions.deadlines import Deadlines
from penstock.broker.transactions.stable import StableOffsets
from penstock.broker.transactions.store import Transactions
from penstock.broker.turns.counts import Counts
from penstock.broker.turns.errands import Errands
from penstock.broker.turns.timers import Timers
from penstock.clock import Now
from penstock.log import Log, Partition
from penstock.users.directory import Directory


class State:
    """One broker's state. `facts` are broker settings that only the process knows (advertised.listeners, …)."""

    def __init__(
        self, log: Log, options: BrokerOptions, randomness: Callable[[int], bytes], now: Now
    ) -> None:
        self.log, self.options, self.randomness = log, options, randomness
        self.facts: Mapping[str, str] = {}
        self.notices: list[str] = []
        self.counts = Counts()
        self.timers = Timers()
        self.directory = Directory()
        self.logins = Logins(randomness)
        self.waits = FetchWaits()
        self.errands = Errands()
        self.lines = Lines(self.errands)
        self.durability = Durability(self._wake)
        self.sequences = Sequences(options)
        self.stable = StableOffsets()
        self.markers = Markers()
        self.topic_settings = TopicSettings(options.message_bytes_max)
        self.internal = internal = InternalTopics(log, self.durability, self.notices)
        self.producer_ids = ProducerIds(internal)
        self.offsets = OffsetStore(internal, options)
        self.groups = Groups(options, self.timers, randomness, self.notices)
        self.transactions = Transactions(internal, options)
        self.deadlines = Deadlines(self.timers)
        for name in self.offsets.groups():
            self.groups.ensure(name)
        around = Around(
            self.timers, self.errands, self.counts, randomness, self.notices, log, self.durability, self.stable,
            self.markers, options.queues,
        )  # fmt: skip
        ledger = Ledger(internal, self.durability, options.ledger, self.notices, self.errands)
        self.queues = Queues(ledger, around, now)

    def _wake(self, partition: Partition, now: Now) -> None:
        """Readers may see more of it: fetches that wait, streams, and queues that it feeds."""
        self.waits.wake(partition, now)
        self.queues.woken(partition)

    def partition(self, topic: str, index: int) -> Partition | None:
        """The partition, or None where it does not exist."""
        found = self.log.topics.get(topic)
        return found.partitions[index] if found is not None and 0 <= index < len(found.partitions) else None

    def settings(self, topic: str) -> Settings:
        """The settings of a topic that exists."""
        return self.topic_settings.of(topic, self.log.topics[topic].configs)
