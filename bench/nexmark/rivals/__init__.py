"""Who runs the queries: each reads the same topics from penstock's broker and tells what a run cost its process."""

from dataclasses import dataclass
from typing import Protocol

from bench.nexmark.scripts import Place


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the engine's process, and the wall's seconds, from start to the last event."""

    cpu_s: float
    wall_s: float


class Rival(Protocol):
    """An engine at the place of a benchmark."""

    name: str
    lasts: bool
    """Whether its process stays from run to run, and so wants a run that does not count before the others."""

    def run(self, query: str, place: Place) -> Cost:
        """One run over all events of the place's topics."""
