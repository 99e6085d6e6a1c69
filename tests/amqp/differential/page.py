"""The comparison with RabbitMQ. Writes docs/compatibility/amqp-differential.md.

python -m tests.amqp.differential.page            # ask RabbitMQ anew, keep its answers, write the page
python -m tests.amqp.differential.page page       # only the page, from what RabbitMQ answered last time
"""

import sys
from pathlib import Path
from typing import Final

from bench.oracle import rabbitmq as oracle

from tests.amqp.differential import servers
from tests.amqp.differential.access import ACCESS
from tests.amqp.differential.asking import Asking
from tests.amqp.differential.coverage import Listener
from tests.amqp.differential.every import DIFFERENCES, FAMILIES
from tests.beside.comparison import Comparison
from tests.beside.kept import Answers
from tests.beside.running import Outcome, Scenario

HEAD: Final = f"""\
# The same asked of RabbitMQ {oracle.VERSION} and of penstock

Written by `make differential`. Each scenario is a program that speaks AMQP 0-9-1 to a server frame by
frame and keeps all that a client can see: answers, deliveries with their order, properties and types of fields, reply codes
and reply texts. `tests/amqp/differential/test_rabbitmq.py` requires the same of penstock. What a scenario covers is computed
while it runs: methods with what became of them, and the kinds of exchanges and queues that messages came through. A scenario
counts when it covers something that no other one does.

{{counted}} scenarios count, out of {{all}}; together they meet {{facts}} facts.
"""


def ask(scenario: Scenario, server: servers.Addresses) -> Outcome:
    """One scenario with a name of its own; its answer is the list of what it yields. Those of `access` want users."""
    listener = Listener()
    asking = Asking(server.closed if scenario in ACCESS else server.open, listener)
    try:
        answer = list(scenario(asking, scenario.__name__.replace("_", "-")))
    finally:
        asking.close()
    return Outcome(answer, frozenset(listener.met))


RABBITMQ: Final = Comparison(
    FAMILIES,
    DIFFERENCES,
    ask,
    servers.rabbitmq,
    Answers(Path(__file__).with_name("rabbitmq_answers.json")),
    Path(__file__).parents[3] / "docs" / "compatibility" / "amqp-differential.md",
    HEAD,
)

if __name__ == "__main__":
    RABBITMQ.main(sys.argv[1:])
