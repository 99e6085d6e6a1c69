"""Calls of transactional producers, and of admins who look at them."""

from dataclasses import dataclass

from penstock.calls.call import Call
from penstock.calls.groups import OffsetCommit


@dataclass(frozen=True, slots=True)
class AddPartitions(Call):
    """Partitions (topic, index) that the transaction will write to. Answer: one `None | Refused` a part, later."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class AddGroup(Call):
    """A group whose offsets the transaction will commit. Answer: `None | Refused`, later."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    group: str


@dataclass(frozen=True, slots=True)
class CommitOffsetsLater(Call):
    """Offsets that a group has once the transaction is committed. Answer: one `None | Refused` a commit, later.

    `generation` of -1 with an empty member id is a producer that does not know its consumer's place in the group.
    """

    transactional_id: str
    producer_id: int
    producer_epoch: int
    group: str
    member_id: str
    instance_id: str | None
    generation: int
    commits: tuple[OffsetCommit, ...]


@dataclass(frozen=True, slots=True)
class EndTransaction(Call):
    """Commit, or abort. Answer: `None | Refused`, later: when every partition has its marker on disk."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    commit: bool


@dataclass(frozen=True, slots=True)
class TransactionInfo:
    """A transactional id as admins see it; `state` is Kafka's name, `start_ms` is -1 before the first transaction."""

    transactional_id: str
    state: str
    producer_id: int
    producer_epoch: int
    timeout_ms: int
    start_ms: int
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DescribeTransactions(Call):
    """Answer: one `TransactionInfo | Refused` an id."""

    transactional_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListTransactions(Call):
    """Those in one of the states, of one of the producers (empty: any), running longer than `longer_than_ms`.

    Answer: a tuple of `TransactionInfo`.
    """

    states: tuple[str, ...] = ()
    producer_ids: tuple[int, ...] = ()
    longer_than_ms: int = -1


@dataclass(frozen=True, slots=True)
class ProducerInfo:
    """What a partition remembers of a producer; -1 where there is nothing to say."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_ms: int
    coordinator_epoch: int = -1
    transaction_offset: int = -1


@dataclass(frozen=True, slots=True)
class DescribeProducers(Call):
    """Answer: one `tuple[ProducerInfo, ...] | Refused` a part (topic, index)."""

    parts: tuple[tuple[str, int], ...]
