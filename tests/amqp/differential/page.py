"""Writes docs/compatibility/amqp-differential.md: what each scenario covers that no other does, and where we differ.

python -m tests.amqp.differential.page            # ask RabbitMQ anew, keep its answers, write the page
python -m tests.amqp.differential.page page       # only the page, from what RabbitMQ answered last time
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.oracle import rabbitmq as oracle

from tests.amqp.differential import recorded, servers
from tests.amqp.differential.every import DIFFERENCES, EVERY, FAMILIES
from tests.amqp.differential.running import Outcome, Runs
from tests.differential.recorded import alone

PAGE: Final = Path(__file__).parents[3] / "docs" / "compatibility" / "amqp-differential.md"
HEAD: Final = """\
# The same asked of RabbitMQ {version} and of penstock

Written by `make differential`. Each scenario is a program that speaks AMQP 0-9-1 to a server frame by
frame and keeps all that a client can see: answers, deliveries with their order, properties and types of fields, reply codes
and reply texts. `tests/amqp/differential/test_rabbitmq.py` requires the same of penstock. What a scenario covers is computed
while it runs: methods with what became of them, and the kinds of exchanges and queues that messages came through. A scenario
counts when it covers something that no other one does.

{counted} scenarios count, out of {all}; together they meet {facts} facts.
"""


def markdown(outcomes: Mapping[str, Outcome]) -> str:
    """The page."""
    own = alone(outcomes)
    facts = {fact for one in outcomes.values() for fact in one.met}
    counted = sum(map(bool, own.values()))
    lines = [HEAD.format(version=oracle.VERSION, counted=counted, all=len(own), facts=len(facts))]
    for family, scenarios in FAMILIES.items():
        lines += [f"## {family.capitalize()}", "", "| scenario | only it covers |", "|---|---|"]
        for name in (one.__name__ for one in scenarios):
            lines.append(f"| {name.replace('_', ' ')} | {'; '.join(own[name]) or '(nothing alone)'} |")
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
        with servers.rabbitmq() as addresses:
            runs = Runs(addresses, EVERY.values())
            recorded.write({name: runs[name] for name in EVERY})
    PAGE.write_text(markdown(recorded.read()))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
