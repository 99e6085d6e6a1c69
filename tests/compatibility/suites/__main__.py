"""Runs the suites whole, on Apache Kafka and on penstock, and writes docs/compatibility/suites.md.

    python -m tests.compatibility.suites [kafka|penstock] [SUITE …]     # both servers and all suites without

What passed where is kept in outcomes.json: the allow-list. Ends with 1 where a test fails on penstock that passes on
Kafka and has no reason in reasons.py.
"""

import json
import sys
from pathlib import Path
from typing import Final

from tests.compatibility.servers import SERVERS
from tests.compatibility.suites.reasons import reason
from tests.compatibility.suites.running import Outcome, run
from tests.compatibility.suites.sources import SOURCES

KEPT: Final = Path(__file__).with_name("outcomes.json")
PAGE: Final = Path(__file__).parent.parent.parent.parent / "docs" / "compatibility" / "suites.md"
Kept = dict[str, dict[str, dict[str, Outcome]]]
"""Outcomes by suite, server and test."""

INTRODUCTION: Final = """\
# The Python clients' own test suites

Written by `python -m tests.compatibility.suites`, which runs the integration tests that the authors of kafka-python,
aiokafka and confluent-kafka wrote for their clients: on Apache Kafka first, then on penstock. The tests are not
changed; only the fixtures that start Kafka in docker give way to a server that runs (`tests/compatibility/suites/`).
kafka-python's tests come in its source archive on PyPI, the other two from the projects' repositories. Left out are
confluent-kafka's tests of Schema Registry and of share groups, which need servers of their own.
"""


def kept() -> Kept:
    """What became of each test when it last ran."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def unexplained(outcomes: Kept) -> list[str]:
    """Tests that pass on Kafka, not here, and nobody knows why."""
    return [
        f"{suite}: {test}: {outcome[1]}"
        for suite, by_server in outcomes.items()
        for test, outcome in by_server["penstock"].items()
        if outcome[0] == "failed" and passed(by_server["kafka"], test) and not reason(suite, test)
    ]


def passed(outcomes: dict[str, Outcome], test: str) -> bool:
    return outcomes.get(test, ("", ""))[0] == "passed"


def markdown(outcomes: Kept) -> str:
    """The page: numbers, then what differs, what neither passes, and the allow-list."""
    lines = [
        INTRODUCTION,
        "| suite | tests | pass on Kafka | pass on penstock | differ |",
        "|---|---|---|---|---|",
    ]
    for suite, by in outcomes.items():
        tests, here = by["kafka"], by["penstock"]
        both = [sum(passed(outcome, test) for test in tests) for outcome in (tests, here)]
        differ = [test for test in tests if passed(tests, test) and not passed(here, test)]
        lines.append(f"| {suite} | {len(tests)} | {both[0]} | {both[1]} | {len(differ)} |")
    for suite, by in outcomes.items():
        lines += section(suite, by["kafka"], by["penstock"])
    return "\n".join(lines) + "\n"


def section(suite: str, there: dict[str, Outcome], here: dict[str, Outcome]) -> list[str]:
    """One suite's part of the page."""
    lines = ["", f"## {suite}"]
    differ = [test for test in there if passed(there, test) and not passed(here, test)]
    if differ:
        lines += ["", "Pass on Kafka and not on penstock:", ""]
        told = {test: here.get(test, ("", "did not run")) for test in differ}
        lines += [f"- `{t}`: {reason(suite, t) or 'a defect: ' + told[t][1]}" for t in differ]
    neither = {
        test: outcome for test, outcome in there.items() if outcome[0] == "failed" and not passed(here, test)
    }
    if neither:
        lines += ["", "Pass on neither, in this setting:", ""]
        lines += [f"- `{test}`: {plain(outcome[1])}" for test, outcome in neither.items()]
    only = [test for test in here if passed(here, test) and not passed(there, test)]
    if only:
        lines += ["", "Pass on penstock and not on Kafka:", ""]
        lines += [f"- `{test}`: {plain(there.get(test, ('', 'did not run'))[1])}" for test in only]
    skipped = [outcome[1] for outcome in there.values() if outcome[0] == "skipped"]
    for why in dict.fromkeys(skipped):
        lines += ["", f"Skipped, {skipped.count(why)}: {plain(why)}"]
    both = [test for test in there if passed(there, test) and passed(here, test)]
    lines += ["", f"<details><summary>The allow-list: {len(both)} tests pass on both</summary>", ""]
    return [*lines, *(f"- `{test}`" for test in both), "", "</details>"]


def plain(text: str) -> str:
    """An error as prose of a page: no machine's folders, no addresses, no names made up by a run."""
    words = [word for word in text.split() if "/" not in word or "//" in word]
    return " ".join(words)[:140].replace("<", "&lt;")


def main(words: list[str]) -> int:
    """See the module's first lines."""
    servers = [name for name in SERVERS if name in words] or list(SERVERS)
    suites = [suite for suite in SOURCES if suite.name in words] or list(SOURCES)
    outcomes = kept()
    for suite in suites:
        for name in servers:
            with SERVERS[name](suite.settings) as address:
                found = run(suite, address)
            outcomes.setdefault(suite.name, {})[name] = found
            print(suite.name, name, sum(passed(found, test) for test in found), "of", len(found), flush=True)
            # The texts of errors may name this machine's folders; the kept ones do not.
            told = json.dumps(outcomes, indent=0).replace(f"{Path.cwd()}/", "")
            KEPT.write_text(told + "\n")
    if all(len(by) == len(SERVERS) for by in outcomes.values()):
        PAGE.write_text(markdown(outcomes))
        bad = unexplained(outcomes)
        print(*bad, sep="\n")
        return int(bool(bad))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
