"""The messages themselves, by their numbers, wherever they are: near, on the disk only, gone or damaged.

Knows the ledger; knows no queue and nobody who waits.
"""

from collections.abc import Sequence

from penstock.broker.ledger.ledger import DamagedError, Ledger
from penstock.content import Content
from penstock.later import Steps
from penstock.log import Cold

COLD_MAX = 16
"""Times that bodies are fetched anew, before they are waited for: they left the memory as fast as they came."""


class Contents:
    """`damaged`: numbers of messages that were found to be so."""

    def __init__(self, ledger: Ledger, notices: list[str]) -> None:
        self._ledger, self._notices = ledger, notices
        self.damaged: set[int] = set()

    def of(self, numbers: Sequence[int]) -> Steps[list[Content | None]]:
        """The messages of these numbers; None where one is gone with its queue, or damaged."""
        for _ in range(COLD_MAX):
            try:
                return [*self._ledger.contents(numbers)]
            except (LookupError, DamagedError):
                break
            except Cold as cold:
                fetch = cold.fetch
            yield fetch
        return [self._one(number) for number in numbers]

    def _one(self, number: int) -> Content | None:
        try:
            return self._ledger.contents([number], patient=True)[0]
        except LookupError:
            return None
        except DamagedError as error:
            self._notices.append(f"{error}: it was left out")
            self.damaged.add(number)
            return None
