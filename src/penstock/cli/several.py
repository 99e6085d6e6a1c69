"""The same done to several topics or groups: what is refused for one does not keep the others from it."""

import argparse
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from penstock.cli.output import show
from penstock.cli.progress import Progress
from penstock.client import ConnectionLostError
from penstock.errors import PenstockError

T = TypeVar("T")


@dataclass
class Outcome:
    """A row for what was done, an error for what was refused."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    errors: list[PenstockError] = field(default_factory=list)

    def show(self, columns: Sequence[str], given: argparse.Namespace) -> None:
        """Print what was done, then raise PenstockError with all that was refused."""
        if self.rows or not self.errors:
            show(self.rows, columns, given)
        if self.errors:
            first = self.errors[0]
            message = "\n  ".join(dict.fromkeys(error.message for error in self.errors))
            raise PenstockError(message, remedy=first.remedy, place=first.place)


async def several(
    items: Iterable[T], what: str, work: Callable[[T], Awaitable[Iterable[Mapping[str, Any]]]]
) -> Outcome:
    """Do `work` to one item after the other; only a lost server ends it early."""
    outcome, items = Outcome(), list(items)
    with Progress(what, len(items)) as progress:
        for item in items:
            try:
                outcome.rows += await work(item)
            except PenstockError as error:
                outcome.errors.append(error)
                if isinstance(error, ConnectionLostError):
                    break
            progress.step()
    return outcome
