"""Calls of producers that are more than one append: identities."""

from dataclasses import dataclass

from penstock.calls.call import Call


@dataclass(frozen=True, slots=True)
class InitProducer(Call):
    """A producer id for an idempotent producer. Answer: `ProducerIdentity | Refused`."""

    transactional_id: str | None = None
    transaction_timeout_ms: int = 60_000
    producer_id: int = -1
    producer_epoch: int = -1


@dataclass(frozen=True, slots=True)
class ProducerIdentity:
    """What an idempotent producer stamps on its batches."""

    producer_id: int
    producer_epoch: int
