"""One protocol's scenarios: asked of the real server, kept, required of ours, and the page that says what they cover."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.beside.kept import Answers
from tests.beside.running import Outcome, Runs, Scenario


@dataclass(frozen=True)
class Difference:
    """Why we answer otherwise; `ours` makes our answer out of theirs, `unmet` and `met` are facts that differ so."""

    reason: str
    ours: Callable[[Any], Any] = lambda answer: answer
    unmet: frozenset[str] = frozenset()
    met: frozenset[str] = frozenset()

    def expected(self, theirs: Outcome) -> Outcome:
        """What is expected of us."""
        return Outcome(self.ours(theirs.answer), theirs.met - self.unmet | self.met)


SAME: Final = Difference("")


def alone(outcomes: Mapping[str, Outcome]) -> dict[str, list[str]]:
    """By scenario, what it covers and no other does."""
    times = Counter(fact for one in outcomes.values() for fact in one.met)
    return {name: sorted(fact for fact in one.met if times[fact] == 1) for name, one in outcomes.items()}


@dataclass(frozen=True)
class Comparison:
    """`ask` runs a scenario on a server, `real` starts the real one; `head` are the page's first lines, for `str.format`."""

    families: Mapping[str, tuple[Scenario, ...]]
    differences: Mapping[str, Difference]
    ask: Callable[..., Outcome]
    real: Callable[[], AbstractContextManager[Any]]
    answers: Answers
    page: Path
    head: str

    @property
    def every(self) -> dict[str, Scenario]:
        """All scenarios by name."""
        return {one.__name__: one for family in self.families.values() for one in family}

    def expected(self) -> dict[str, Outcome]:
        """What is expected of us, by scenario, given what the real server did."""
        kept = self.answers.read()
        return {name: self.differences.get(name, SAME).expected(one) for name, one in kept.items()}

    def runs(self, server: Any, names: Iterable[str]) -> Runs:
        """These scenarios on a server that runs."""
        every = self.every
        return Runs(partial(self.ask, server=server), [every[name] for name in names])

    def markdown(self) -> str:
        """The page: what each scenario covers that no other does, and where we differ."""
        outcomes = self.answers.read()
        own, facts = alone(outcomes), {fact for one in outcomes.values() for fact in one.met}
        codes = sum(fact.rpartition(": ")[2].isupper() for fact in facts)
        counted = sum(map(bool, own.values()))
        lines = [self.head.format(counted=counted, all=len(own), facts=len(facts), pairs=codes)]
        for family, scenarios in self.families.items():
            lines += [f"## {family.capitalize()}", "", "| scenario | only it covers |", "|---|---|"]
            for name in (one.__name__ for one in scenarios):
                lines.append(f"| {name.replace('_', ' ')} | {'; '.join(own[name]) or '(nothing alone)'} |")
            lines.append("")
        lines += ["## Where penstock answers otherwise", ""]
        lines += [f"- {name.replace('_', ' ')}: {one.reason}" for name, one in self.differences.items()]
        lines += ["", "## All that is met", "", *(f"- {fact}" for fact in sorted(facts))]
        return "\n".join(lines) + "\n"

    def main(self, words: list[str]) -> None:
        """Ask the real server anew and write the page; given the word `page`, only write it."""
        if "page" not in words:
            with self.real() as server, self.runs(server, self.every) as runs:
                self.answers.write({name: runs[name] for name in self.every})
        self.page.write_text(self.markdown())
