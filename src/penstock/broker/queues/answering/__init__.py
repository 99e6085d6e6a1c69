"""The functions that answer the calls of the queues: importing them fills the table of answers."""

from penstock.broker.queues.answering import (
    bindings,
    clients,
    consuming,
    declaring,
    exchanges,
    leasing,
    looking,
    publishing,
    settling,
    transactions,
    vhosts,
)  # fmt: skip

__all__ = [
    "bindings", "clients", "consuming", "declaring", "exchanges", "leasing", "looking", "publishing", "settling",
    "transactions", "vhosts",
]  # fmt: skip
