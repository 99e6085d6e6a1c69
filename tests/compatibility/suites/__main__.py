"""Runs the suites whole, on Apache Kafka and on penstock, and writes docs/compatibility/suites.md.

    python -m tests.compatibility.suites [kafka|penstock] [SUITE …]     # both servers and all suites without

What passed where is kept in outcomes.json: the allow-list. Ends with 1 where a test fails on penstock that passes on
Kafka and has no reason in reasons.py.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.beside.allowed import Suites
from tests.compatibility.servers import SERVERS
from tests.compatibility.suites.reasons import REASONS
from tests.compatibility.suites.sources import SOURCES

INTRODUCTION: Final = """\
# The Python clients' own test suites

Written by `python -m tests.compatibility.suites`, which runs the integration tests that the authors of kafka-python,
aiokafka and confluent-kafka wrote for their clients: on Apache Kafka first, then on penstock. The tests are not
changed; only the fixtures that start Kafka in docker give way to a server that runs (`tests/compatibility/suites/`).
kafka-python's tests come in its source archive on PyPI, the other two from the projects' repositories. Left out are
confluent-kafka's tests of Schema Registry and of share groups, which need servers of their own.
"""
KAFKA: Final = Suites(
    "Kafka",
    SERVERS,
    SOURCES,
    REASONS,
    Path(__file__).with_name("outcomes.json"),
    partial(json.dumps, indent=0),
    Path(__file__).parents[3] / "docs" / "compatibility" / "suites.md",
    INTRODUCTION,
)

if __name__ == "__main__":
    sys.exit(KAFKA.main(sys.argv[1:]))
