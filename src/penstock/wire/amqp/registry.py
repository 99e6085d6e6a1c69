"""Who answers which method: the table that the files of `api` fill, each where its function stands.

Knows no channel's state, and no bytes.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from penstock.calls import Call
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.methods import BY_NAME, Method, Values

Steps: TypeAlias = Generator[Call, Any, bytes | None]
"""The calls of a method, each sent its answer; then the frames to write, or None."""
Answering: TypeAlias = Callable[[Channel, Values], Steps]
A = TypeVar("A", bound=Answering)


@dataclass(frozen=True, slots=True)
class Answer:
    """`refusals`: the function is sent what the broker refuses; else that ends the channel before it gets there."""

    method: Method
    run: Answering
    refusals: bool


ANSWERS: dict[int, Answer] = {}
"""By the methods' keys."""


def answers(name: str, *, refusals: bool = False) -> Callable[[A], A]:
    """The function answers this method: ``@answers("queue.declare")``."""

    def register(run: A) -> A:
        method = BY_NAME[name]
        ANSWERS[method.key] = Answer(method, run, refusals)
        return run

    return register
