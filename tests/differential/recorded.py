"""What Kafka answered when it was last asked, kept as data: the scenarios can be run where there is no Java runtime.

Answers are plain values and are kept as Python writes them, each on lines of its own. Knows no server.
"""

import ast
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.differential.running import Outcome

FILE: Final = Path(__file__).with_name("kafka_answers.json")


def read() -> dict[str, Outcome]:
    """Outcomes by the scenario's name."""
    return {
        name: Outcome(ast.literal_eval(one["answer"]), frozenset(one["met"]), one["took_s"])
        for name, one in json.loads(FILE.read_text()).items()
    }


def write(outcomes: Mapping[str, Outcome]) -> None:
    """Keep them; raises ValueError where an answer cannot be read back."""
    kept = {}
    for name, one in sorted(outcomes.items()):
        if ast.literal_eval(repr(one.answer)) != one.answer:
            raise ValueError(f"{name}: an answer holds more than plain values")
        kept[name] = {"answer": repr(one.answer), "met": sorted(one.met), "took_s": round(one.took_s, 1)}
    FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def alone(outcomes: Mapping[str, Outcome]) -> dict[str, list[str]]:
    """By scenario, what it covers and no other does."""
    times = Counter(fact for one in outcomes.values() for fact in one.met)
    return {name: sorted(fact for fact in one.met if times[fact] == 1) for name, one in outcomes.items()}
