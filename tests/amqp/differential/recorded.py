"""What RabbitMQ answered when it was last asked, kept as data: the scenarios run where there is no RabbitMQ.

One line a scenario. Knows no server.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.amqp.differential.running import Outcome

FILE: Final = Path(__file__).with_name("rabbitmq_answers.json")


def read() -> dict[str, Outcome]:
    """Outcomes by the scenario's name."""
    kept = json.loads(FILE.read_text())
    return {name: Outcome(one["answer"], frozenset(one["met"]), 0) for name, one in kept.items()}


def write(outcomes: Mapping[str, Outcome]) -> None:
    """Keep them; raises ValueError where an answer cannot be read back."""
    lines = []
    for name, one in sorted(outcomes.items()):
        if json.loads(json.dumps(one.answer)) != one.answer:
            raise ValueError(f"{name}: an answer holds more than plain values")
        told = {"answer": one.answer, "met": sorted(one.met)}
        lines.append(f"{json.dumps(name)}: {json.dumps(told, ensure_ascii=False)}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
