"""The comparison with Apache Kafka. Writes docs/compatibility/differential.md.

python -m tests.differential.page            # ask Apache Kafka anew, keep its answers, write the page
python -m tests.differential.page page       # only the page, from what Kafka answered last time
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.oracle import kafka as oracle

from tests.beside.comparison import Comparison
from tests.beside.kept import Answers
from tests.beside.running import Outcome, Scenario
from tests.differential.asking import Connection, warm
from tests.differential.every import DIFFERENCES, FAMILIES
from tests.differential.server import SETTINGS
from tests.differential.watching import Listener

HEAD: Final = f"""\
# The same asked of Apache Kafka {oracle.VERSION} and of penstock

Written by `make differential`. Each scenario is a program that asks a server something over a bare connection and keeps
all that a client can see; `tests/differential/test_kafka.py` runs it on both and requires equal answers. What a scenario
covers is computed while it runs: APIs with the errors in their answers, and the states that groups and transactions go
through. A scenario counts when it covers something that no other one does.

{{counted}} scenarios count, out of {{all}}; together they meet {{facts}} facts, {{pairs}} of them an API with an error.
"""


def ask(scenario: Scenario, server: str) -> Outcome:
    """One scenario on a server, given by its address, with a name of its own."""
    listener = Listener(server)
    connection = Connection(server, listener)
    try:
        answer = scenario(connection, scenario.__name__.replace("_", "-"))
    finally:
        connection.close()
        listener.close()
    return Outcome(answer, frozenset(listener.met))


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """Apache Kafka with what the scenarios need."""
    with oracle.kafka(SETTINGS) as address:
        warm(address)
        yield address


KAFKA: Final = Comparison(
    FAMILIES,
    DIFFERENCES,
    ask,
    kafka,
    Answers(Path(__file__).with_name("kafka_answers.json"), literal=True),
    Path(__file__).parents[2] / "docs" / "compatibility" / "differential.md",
    HEAD,
)

if __name__ == "__main__":
    KAFKA.main(sys.argv[1:])
