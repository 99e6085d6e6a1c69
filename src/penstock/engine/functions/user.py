"""Functions that users wrote in Python: what a plan says of one, and a call of one within an expression.

A plan compares them by name and shape; the code itself rides along and takes no part. Knows nothing of running them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlglot import exp

from penstock.engine.functions import kinds
from penstock.engine.types import Schema
from penstock.errors import PenstockError


@dataclass(frozen=True, kw_only=True)
class OfValues:
    """What is called with values: `takes` are its parameters' kinds, None for any; `least` is how many must be given,
    the last one repeats where `variadic`. Without `nulls` it is not called for a null.
    """

    name: str
    takes: tuple[str | None, ...]
    least: int
    variadic: bool = False
    nulls: bool = False
    deterministic: bool = True
    body: Callable[..., Any] = field(compare=False, repr=False)

    def kind(self, place: int) -> str | None:
        """The kind of the parameter that the argument at `place` meets."""
        return self.takes[min(place, len(self.takes) - 1)] if self.takes else None

    def check(self, given: Sequence[str]) -> None:
        """Raise `PenstockError` where arguments of these kinds do not fit."""
        _check(self, given)


@dataclass(frozen=True, kw_only=True)
class UserFunction(OfValues):
    """A function of values: a row at a time, or with `batch` polars Series in and a Series out. The result for a null
    it is not called for is null."""

    returns: str
    batch: bool = False


@dataclass(frozen=True, kw_only=True)
class TableFunction(OfValues):
    """A function of values that gives rows: any number for each call, each with the columns `emits`."""

    emits: Schema


@dataclass(frozen=True, kw_only=True)
class FrameFunction:
    """A function of batches: a polars DataFrame in, one out, with as many rows as it likes."""

    name: str
    emits: Schema
    deterministic: bool = True
    body: Callable[..., Any] = field(compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class ProcessClass:
    """A class with state and timers by key. `state` are its fields' names and types, as written.

    `ttl_ms` is how long, by the wall's clock, a key that nobody touches is remembered.
    """

    name: str
    emits: Schema
    state: tuple[tuple[str, str], ...]
    deterministic: bool = True
    ttl_ms: int | None = field(default=None, repr=False)
    hints: tuple[Any, ...] = field(compare=False, repr=False)
    body: Any = field(compare=False, repr=False)


class UserCall(exp.Expression, exp.Func):
    """A call of a `UserFunction`, which is its `this`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": False}

    @property
    def function(self) -> UserFunction:
        """What is called."""
        found: UserFunction = self.args["this"]
        return found

    @property
    def deterministic(self) -> bool:
        """Whether equal arguments give equal results."""
        return self.function.deterministic


class TableCall(exp.Expression, exp.Func):
    """A call of a `TableFunction`, which is its `this`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": False}

    @property
    def function(self) -> TableFunction:
        """What is called."""
        found: TableFunction = self.args["this"]
        return found

    @property
    def deterministic(self) -> bool:
        """Whether equal arguments give equal rows."""
        return self.function.deterministic


def _check(function: OfValues, given: Sequence[str]) -> None:
    name = function.name
    most = None if function.variadic else len(function.takes)
    if len(given) < function.least or (most is not None and len(given) > most):
        takes = (
            f"at least {function.least}"
            if most is None
            else str(most)
            if most == function.least
            else f"{function.least} to {most}"
        )
        raise PenstockError(f"{name} takes {takes} arguments, not {len(given)}")
    for place, found in enumerate(given):
        wanted = function.kind(place)
        if wanted is not None and not _fits(found, wanted):
            raise PenstockError(
                f"{name} takes {wanted} as its argument {place + 1}, not {found}",
                remedy=f"CAST(… AS {wanted}), or change the function's type hint",
            )


def _fits(found: str, wanted: str) -> bool:
    if found == kinds.NULL or kinds.name_of(found) == kinds.name_of(wanted):
        return True
    if kinds.is_number(found) and kinds.is_number(wanted):
        return kinds.wider(found, wanted) == wanted or kinds.is_float(wanted)
    both = {kinds.name_of(found), kinds.name_of(wanted)}
    return any(both <= set(family) for family in (kinds.TEXTS, kinds.TIMES, kinds.BINARIES))
