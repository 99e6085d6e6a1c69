"""Writes docs/compatibility/differential.md: what each scenario covers that no other does, and where we differ.

python -m tests.differential.page            # ask Apache Kafka anew, keep its answers, write the page
python -m tests.differential.page page       # only the page, from what Kafka answered last time
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.oracle import kafka as oracle

from tests.differential import recorded
from tests.differential.asking import warm
from tests.differential.every import DIFFERENCES, EVERY, FAMILIES
from tests.differential.running import Outcome, Runs
from tests.differential.server import KAFKA

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "compatibility" / "differential.md"
HEAD: Final = """\
# The same asked of Apache Kafka {version} and of penstock

Written by `make differential`. Each scenario is a program that asks a server something over a bare connection and keeps
all that a client can see; `tests/differential/test_kafka.py` runs it on both and requires equal answers. What a scenario
covers is computed while it runs: APIs with the errors in their answers, and the states that groups and transactions go
through. A scenario counts when it covers something that no other one does.

{counted} scenarios count, out of {all}; together they meet {facts} facts, {pairs} of them an API with an error.
"""


def markdown(outcomes: Mapping[str, Outcome]) -> str:
    """The page."""
    alone = recorded.alone(outcomes)
    facts = {fact for one in outcomes.values() for fact in one.met}
    lines = [
        HEAD.format(
            version=oracle.VERSION, counted=sum(map(bool, alone.values())), all=len(alone), facts=len(facts),
            pairs=sum(fact.rpartition(": ")[2].isupper() for fact in facts),
        )
    ]  # fmt: skip
    for family, scenarios in FAMILIES.items():
        lines += [f"## {family.capitalize()}", "", "| scenario | only it covers |", "|---|---|"]
        for name in (one.__name__ for one in scenarios):
            lines.append(f"| {name.replace('_', ' ')} | {'; '.join(alone[name]) or '(nothing alone)'} |")
        lines.append("")
    lines += ["## Where penstock answers otherwise", ""]
    lines += [f"- {name.replace('_', ' ')}: {one.reason}" for name, one in DIFFERENCES.items()] or [
        "Nowhere."
    ]
    lines += ["", "## All that is met", "", *(f"- {fact}" for fact in sorted(facts))]
    return "\n".join(lines) + "\n"


def main(what: str) -> None:
    """See the module's first lines."""
    if what == "all":
        with oracle.kafka(KAFKA) as address:
            warm(address)
            runs = Runs(address, EVERY.values())
            recorded.write({name: runs[name] for name in EVERY})
    PAGE.write_text(markdown(recorded.read()))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
