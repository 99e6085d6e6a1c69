"""Answers InitProducer: an identity for an idempotent producer, or for a transactional one (KIP-98, KIP-360)."""

from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.broker.transactions.begin import begin
from penstock.calls import InitProducer, ProducerIdentity
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later


@answers(InitProducer)
def init_producer(state: State, call: InitProducer, now: Now) -> Refused | Later[object]:
    """A new id with epoch 0, whatever id the producer had: without a transactional id nothing is resumed."""
    if (call.producer_id < 0) is not (call.producer_epoch < 0):
        return Refused(Refusal.BAD_REQUEST, "a producer id comes with its epoch")
    if call.transactional_id is not None:
        return begin(state, call, now)
    later: Later[object] = Later()

    def taken(found: int | Refused, now: Now) -> None:
        later.resolve(found if isinstance(found, Refused) else ProducerIdentity(found, 0))

    state.producer_ids.take(taken, now)
    return later
