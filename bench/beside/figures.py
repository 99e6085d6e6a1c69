"""Figures by what was measured (`publish/10/256`) and server, one entry a run; what could not be measured is written down."""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench.__main__ import OUT, machine

Figures = dict[str, float]
Sides = dict[str, Figures]
"""By server."""


class Found:
    """A comparison's figures as they come. `name` is that of the file; `more` is told in it, such as the rival's version."""

    def __init__(
        self, name: str, runs: int, faults: tuple[type[Exception], ...], more: Mapping[str, Any]
    ) -> None:
        """`faults` are what one measurement may meet without ending the others."""
        self.name, self.faults, self.more = name, faults, {"runs": runs, **more}
        self.begun_s, self.machine = time.monotonic(), machine()
        self.runs: dict[str, dict[str, list[Figures]]] = {}
        self.troubles: list[str] = []

    def note(self, what: str, side: str, measure: Callable[[], Figures]) -> None:
        """Measure and keep it, or why it could not be measured."""
        with self.going_on(f"{what} {side}"):
            figures = measure()
            self.runs.setdefault(what, {}).setdefault(side, []).append(figures)
            print(f"{what:22} {side:9} " + " ".join(f"{k}={v:.4g}" for k, v in figures.items()), flush=True)

    @contextmanager
    def going_on(self, what: str) -> Iterator[None]:
        """A fault inside, such as a server that does not start, is written down, and the next has its turn."""
        try:
            yield
        except self.faults as error:
            self.troubles.append(f"{what}: {type(error).__name__}: {error}"[:500])
            print(self.troubles[-1], flush=True)

    def medians(self) -> dict[str, Sides]:
        """By what and server."""
        return {
            what: {side: _median(runs) for side, runs in by_side.items()}
            for what, by_side in self.runs.items()
        }

    def report(self) -> dict[str, Any]:
        """Everything, for the file and the tables."""
        return {
            self.name: self.medians(), **self.more, "machine": self.machine, "troubles": self.troubles,
            "minutes": round((time.monotonic() - self.begun_s) / 60, 1), "each": self.runs,
        }  # fmt: skip

    def save(self) -> None:
        """Write what there is so far."""
        OUT.mkdir(exist_ok=True)
        (OUT / f"{self.name}.json").write_text(json.dumps(self.report(), indent=1) + "\n")


def _median(runs: list[Figures]) -> Figures:
    return {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}
