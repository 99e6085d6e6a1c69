"""The table from a call's type to the function that answers it; each function registers where it is defined.

Knows no call by name: `@answers(Heartbeat)` above a function is the only place that pairs the two.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from penstock.broker.state import State
from penstock.calls import Call
from penstock.clock import Now

AnswerFn = Callable[[State, Any, Now], object]
ANSWERS: dict[type[Call], AnswerFn] = {}

F = TypeVar("F", bound=AnswerFn)


def answers(kind: type[Call]) -> Callable[[F], F]:
    """Make the decorated function the one that answers calls of type `kind`."""

    def register(function: F) -> F:
        if kind in ANSWERS:
            raise RuntimeError(f"{kind.__name__} is answered already, by {ANSWERS[kind].__name__}")
        ANSWERS[kind] = function
        return function

    return register
