"""Writes docs/compatibility/kafka.md: each feature with each client on penstock, and Kafka's APIs beside ours.

    python -m tests.compatibility.scorecard            # try everything, on Apache Kafka too (about ten minutes)
    python -m tests.compatibility.scorecard penstock   # try everything, on penstock
    python -m tests.compatibility.scorecard apis       # only the table of APIs, from what Kafka said last time

What Kafka did is kept in kafka_features.json, so that a cell that fails on both is told from one that fails on ours.
"""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from penstock.wire.kafka import support
from tests.compatibility import apis, secured, servers
from tests.compatibility.clients import CLIENTS
from tests.compatibility.clients.verbs import Place
from tests.compatibility.features import FEATURES
from tests.compatibility.trying import FAIL, NONE, PASS, Cell, column

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "compatibility" / "kafka.md"
ON_KAFKA: Final = Path(__file__).with_name("kafka_features.json")
SIGNS: Final = {PASS: "✓", FAIL: "✗", NONE: "·"}
Card = dict[str, dict[str, Cell]]
"""Cells by client and feature."""

FRAME: Final = """\
# Kafka clients and penstock

Written by `python -m tests.compatibility.scorecard`: every row is a test (`tests/compatibility/features.py`) that was run
with every client against a penstock broker, and against Apache Kafka {version} to know that the test is right.
✓ it works; ✗ it does not, see below; · the client has no such thing.

<!-- features -->
<!-- /features -->

## Every API of Apache Kafka {version}

What Kafka's own ApiVersions answer names, and what ours does.

<!-- apis -->
<!-- /apis -->
"""


def between(text: str, part: str) -> str:
    """What stands between the marks of a part."""
    return text.split(f"<!-- {part} -->")[1].split(f"<!-- /{part} -->", maxsplit=1)[0]


def put(part: str, text: str) -> None:
    """Write one part of the page anew, leaving the others."""
    page = PAGE.read_text() if PAGE.exists() else FRAME.format(version=servers.oracle.VERSION)
    before, rest = page.split(f"<!-- {part} -->")
    after = rest.split(f"<!-- /{part} -->")[1]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(f"{before}<!-- {part} -->\n\n{text.strip()}\n\n<!-- /{part} -->{after}")


def tried(
    plain: Callable[[], AbstractContextManager[str]],
    ways: Callable[[], AbstractContextManager[dict[str, Place]]],
) -> Card:
    """Every client, on the plain listener and on the secured ones of one server."""
    card: Card = {}
    with plain() as address, ways() as secure:
        for kind in CLIENTS:
            card[kind.name] = column(kind, FEATURES, {"plain": Place(address), **secure})
            print(
                kind.name,
                *(f"{name}: {c.reason}" for name, c in card[kind.name].items() if c.verdict == FAIL),
                sep="\n  ",
            )
    return card


def markdown(ours: Card, theirs: Card) -> str:
    """The table, then a line for each cell that is not a pass."""
    libraries = [kind.library for kind in CLIENTS]
    lines = ["| | " + " | ".join(libraries) + " |", "|---" * (len(libraries) + 1) + "|"]
    for feature in FEATURES:
        cells = [ours[kind.name][feature.name] for kind in CLIENTS]
        lines.append(f"| {feature.name} | " + " | ".join(SIGNS[cell.verdict] for cell in cells) + " |")
    passed = [cell.verdict for cells in ours.values() for cell in cells.values()]
    lines += [
        "",
        f"{passed.count(PASS)} work, {passed.count(FAIL)} do not, {passed.count(NONE)} are not offered by the client.",
    ]
    return "\n".join(lines + notes(ours, theirs)) + "\n"


def notes(ours: Card, theirs: Card) -> list[str]:
    """What fails, and where Kafka does otherwise; then what clients lack, once a reason."""
    lines: list[str] = []
    for name, cells in ours.items():
        for row, cell in cells.items():
            other = theirs[name][row]
            if FAIL in (cell.verdict, other.verdict):
                there = (
                    f"Apache Kafka: {other.reason}" if other.verdict == FAIL else "works with Apache Kafka"
                )
                here = f"✗ {cell.reason}" if cell.verdict == FAIL else "✓ here"
                lines.append(f"- {name}, {row}: {here}; {there}")
    lacking: dict[tuple[str, str], list[str]] = {}
    for name, cells in ours.items():
        for row, cell in cells.items():
            if cell.verdict == NONE:
                lacking.setdefault((name, cell.reason), []).append(row)
    lines += [f"- {name}, not offered: {'; '.join(rows)} ({why})" for (name, why), rows in lacking.items()]
    return ["", *lines]


def packed(card: Card) -> str:
    return json.dumps(
        {n: {row: [c.verdict, c.reason] for row, c in cells.items()} for n, cells in card.items()}, indent=1
    )


def unpacked(text: str) -> Card:
    return {n: {row: Cell(*cell) for row, cell in cells.items()} for n, cells in json.loads(text).items()}


def main(what: str) -> None:
    """See the module's first lines."""
    if what == "all":
        ON_KAFKA.write_text(packed(tried(servers.kafka, secured.kafka)) + "\n")
        with servers.kafka() as address:
            apis.record(apis.ask(address))
    if what in ("all", "penstock"):
        put("features", markdown(tried(servers.penstock, secured.penstock), unpacked(ON_KAFKA.read_text())))
    put(
        "apis",
        apis.markdown(
            apis.recorded(), {key: (low, high) for key, (_, low, high) in support.SUPPORTED.items()}
        ),
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
