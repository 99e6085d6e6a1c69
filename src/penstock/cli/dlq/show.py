"""Show one dead letter: where it came from, why, how often it was tried, its key, headers and body.

penstock dlq show orders.dlq 0:42
penstock dlq show orders.dlq 0:42 --body > body.json
"""

import argparse
import sys
from typing import Any

from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.dlq.choosing import time_text
from penstock.cli.output import json_of, text_of_bytes, visible
from penstock.dlq.finding import source_of
from penstock.dlq.source import Letter


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("topic", metavar="TOPIC", help="the topic of dead letters: orders.dlq")
    parser.add_argument("letter", metavar="LETTER", help="its name: 0:42")
    parser.add_argument("--body", action="store_true", help="its body alone, as it is")
    bootstrap_flag(parser)


def facts_of(found: Letter) -> dict[str, Any]:
    """All that is known, texts where bytes are texts."""
    letter = found.letter
    return {
        "letter": found.name,
        "state": found.state,
        "origin": str(letter.origin),
        "owner": letter.owner,
        "reason": letter.reason,
        "exception": letter.failing.kind,
        "message": letter.failing.message,
        "stage": letter.failing.stage,
        "function": letter.failing.function,
        "attempts": letter.attempts,
        "redrives": letter.redrives,
        "first": time_text(letter.first_ms),
        "last": time_text(letter.last_ms),
        "replaces": letter.replaces,
        "goes back to": letter.via or letter.origin.topic,
        "headers": [[name, text_of_bytes(value)] for name, value in letter.headers],
        "key": text_of_bytes(letter.key),
        "value": text_of_bytes(letter.value),
        "trace": letter.failing.trace,
    }


def run(given: argparse.Namespace) -> int:
    """Print it."""
    found = with_client(given, lambda client: source_of(client, given.topic).show(given.letter))
    if given.body:
        sys.stdout.buffer.write(found.letter.value or b"")
        sys.stdout.buffer.flush()
        return 0
    facts = facts_of(found)
    if given.json:
        print(json_of(facts))
        return 0
    for name, fact in facts.items():
        if name in ("value", "trace"):
            print(f"\n{name}:\n{visible(str(fact))}" if fact else "", end="\n" if fact else "")
        elif fact not in ("", None, []):
            print(f"{name + ':':<14}{visible(fact if isinstance(fact, str) else json_of(fact))}")
    return 0
