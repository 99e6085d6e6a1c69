"""What became of clients' own suites on a real server and on ours, kept as data: the allow-list, and its page."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.beside.suites import Outcome, Suite

Kept = dict[str, dict[str, dict[str, Outcome]]]
"""Outcomes by suite, server and test."""
OURS: Final = "penstock"


@dataclass(frozen=True)
class Suites:
    """`real` is the real server as one writes it; `servers` start both, by their names in small letters.

    `reasons` are by suite and by how tests' names begin: why what passes there does not here. Whatever is not there is a
    defect. `lay_out` writes what is kept.
    """

    real: str
    servers: Mapping[str, Callable[[Mapping[str, str]], AbstractContextManager[str]]]
    suites: tuple[Suite, ...]
    reasons: Mapping[str, Mapping[str, str]]
    file: Path
    lay_out: Callable[[Kept], str]
    page: Path
    head: str

    def kept(self) -> Kept:
        """What became of each test when it last ran."""
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def beside(self, suite: str) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
        """What became of a suite's tests there, and here."""
        by_server = self.kept()[suite]
        return by_server[self.real.lower()], by_server[OURS]

    def allowed(self, suite: str) -> list[str]:
        """The allow-list: what passes on both."""
        there, here = self.beside(suite)
        return [test for test in there if passed(there, test) and passed(here, test)]

    def lost(self, suite: Suite, server: str, only: tuple[str, ...]) -> dict[str, Outcome]:
        """Of these tests, run on a server, those on the allow-list that do not pass. Raises RuntimeError if none is on it."""
        found, allowed = suite.run(server, only, test_s=60, whole_s=150), self.allowed(suite.name)
        if not found.keys() & set(allowed):
            raise RuntimeError(f"no test of {only} is one that passes")
        return {test: found[test] for test in allowed if test in found and not passed(found, test)}

    def differing(self, suite: str) -> dict[str, str]:
        """What passes there and not here: what was said."""
        there, here = self.beside(suite)
        told = {test: here.get(test, ("", "did not run")) for test in there if passed(there, test)}
        return {test: outcome[1] for test, outcome in told.items() if outcome[0] != "passed"}

    def reason(self, suite: str, test: str) -> str:
        """Why it differs; empty where nobody knows."""
        known = self.reasons.get(suite, {})
        return next((why for name, why in known.items() if test.startswith(name)), "")

    def unexplained(self) -> list[str]:
        """What differs and nobody knows why."""
        return [
            f"{suite}: {test}: {said}"
            for suite in self.kept()
            for test, said in self.differing(suite).items()
            if not self.reason(suite, test)
        ]

    def markdown(self) -> str:
        """The page: numbers, then what differs, what neither passes, and the allow-list."""
        lines = [
            self.head,
            f"| suite | tests | pass on {self.real} | pass on penstock | differ |",
            "|---|---|---|---|---|",
        ]
        for suite in self.kept():
            there, here = self.beside(suite)
            both = [sum(passed(outcome, test) for test in there) for outcome in (there, here)]
            differ = len(self.differing(suite))
            lines.append(f"| {suite} | {len(there)} | {both[0]} | {both[1]} | {differ} |")
        for suite in self.kept():
            lines += self.section(suite)
        return "\n".join(lines) + "\n"

    def section(self, suite: str) -> list[str]:
        """One suite's part of the page."""
        there, here = self.beside(suite)
        lines = ["", f"## {suite}"]
        if differ := self.differing(suite):
            lines += ["", f"Pass on {self.real} and not on penstock:", ""]
            lines += [
                f"- `{t}`: {self.reason(suite, t) or 'a defect: ' + said}" for t, said in differ.items()
            ]
        neither = {t: said for t, (how, said) in there.items() if how == "failed" and not passed(here, t)}
        if neither:
            lines += ["", "Pass on neither, in this setting:", ""]
            lines += [f"- `{test}`: {plain(said)}" for test, said in neither.items()]
        only = [test for test in here if passed(here, test) and not passed(there, test)]
        if only:
            lines += ["", f"Pass on penstock and not on {self.real}:", ""]
            lines += [f"- `{test}`: {plain(there.get(test, ('', 'did not run'))[1])}" for test in only]
        skipped = [outcome[1] for outcome in there.values() if outcome[0] == "skipped"]
        for why in dict.fromkeys(skipped):
            lines += ["", f"Skipped, {skipped.count(why)}: {plain(why)}"]
        allowed = self.allowed(suite)
        lines += ["", f"<details><summary>The allow-list: {len(allowed)} tests pass on both</summary>", ""]
        return [*lines, *(f"- `{test}`" for test in allowed), "", "</details>"]

    def main(self, words: list[str]) -> int:
        """Run these suites on these servers, all without a word; 1 where something differs and nobody knows why."""
        outcomes = self.kept()
        for suite in [one for one in self.suites if one.name in words] or self.suites:
            for name in [one for one in self.servers if one in words] or self.servers:
                with self.servers[name](suite.settings) as address:
                    found = suite.run(address)
                outcomes.setdefault(suite.name, {})[name] = found
                print(
                    suite.name, name, sum(passed(found, test) for test in found), "of", len(found), flush=True
                )
                # The texts of errors may name this machine's folders; the kept ones do not.
                self.file.write_text(self.lay_out(outcomes).replace(f"{Path.cwd()}/", "") + "\n")
        if any(len(by_server) < len(self.servers) for by_server in outcomes.values()):
            return 0
        self.page.write_text(self.markdown())
        bad = self.unexplained()
        print(*bad, sep="\n")
        return int(bool(bad))


def passed(outcomes: Mapping[str, Outcome], test: str) -> bool:
    return outcomes.get(test, ("", ""))[0] == "passed"


def plain(text: str) -> str:
    """An error as prose of a page: no machine's folders, no addresses, no names made up by a run."""
    words = [word for word in text.split() if "/" not in word or "//" in word]
    return " ".join(words)[:140].replace("<", "&lt;")
