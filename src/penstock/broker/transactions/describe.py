"""Answers DescribeTransactions, ListTransactions and DescribeProducers: transactions as admins see them."""

from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.broker.topics.names import wrong_name
from penstock.broker.transactions.transaction import Transaction
from penstock.calls import (
    DescribeProducers,
    DescribeTransactions,
    ListTransactions,
    ProducerInfo,
    TransactionInfo,
)
from penstock.clock import Now
from penstock.errors import Refusal, Refused


@answers(DescribeTransactions)
def describe(state: State, call: DescribeTransactions, now: Now) -> list[TransactionInfo | Refused]:
    """One answer an id."""
    return [_describe(state, name) for name in call.transactional_ids]


def _describe(state: State, name: str) -> TransactionInfo | Refused:
    if not name:
        return Refused(Refusal.BAD_REQUEST, "the transactional id is empty")
    found = state.transactions.by_name.get(name)
    return Refused(Refusal.NO_TRANSACTIONAL_ID, name) if found is None else _shown(found)


@answers(ListTransactions)
def list_all(state: State, call: ListTransactions, now: Now) -> tuple[TransactionInfo, ...]:
    """Those that every filter lets pass."""
    found = []
    for one in state.transactions.by_name.values():
        in_state = not call.states or one.phase.shown in call.states
        of_producer = not call.producer_ids or one.producer_id in call.producer_ids
        lasts = call.longer_than_ms < 0 or now.wall_ms - one.start_ms > call.longer_than_ms
        if in_state and of_producer and lasts:
            found.append(_shown(one))
    return tuple(found)


def _shown(one: Transaction) -> TransactionInfo:
    return TransactionInfo(
        one.name, one.phase.shown, one.producer_id, one.epoch, one.timeout_ms, one.start_ms, tuple(one.parts)
    )


@answers(DescribeProducers)
def producers(state: State, call: DescribeProducers, now: Now) -> list[tuple[ProducerInfo, ...] | Refused]:
    """The producers that each partition remembers, and where their open transactions begin."""
    return [_producers(state, topic, index, now) for topic, index in call.parts]


def _producers(state: State, topic: str, index: int, now: Now) -> tuple[ProducerInfo, ...] | Refused:
    partition = state.partition(topic, index)
    if words := wrong_name(topic):
        return Refused(Refusal.BAD_TOPIC_NAME, words)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{topic}/{index}")
    return tuple(
        ProducerInfo(
            producer_id,
            known.epoch,
            known.batches[-1].last if known.batches else -1,
            known.written_ms,
            known.coordinator_epoch,
            state.stable.first(partition, producer_id),
        )
        for producer_id, known in state.sequences.of(partition, now).items()
    )
