"""Invariant: whatever stands in a script, parsing it gives a plan or a `PenstockError` inside the script; nothing else."""

import random
from pathlib import Path

import pytest

from penstock.errors import PenstockError
from penstock.sql import parse
from penstock.sql.faults import Script
from penstock.sql.grammar.cursor import tokenize

DEMO = Path(__file__).parents[2] / "src" / "penstock" / "demo" / "pipelines" / "machine.sql"
SCRIPTS = [DEMO.read_text(), (Path(__file__).parent / "everything.sql").read_text()]
WORDS = [
    *(
        "SELECT",
        "FROM",
        "WHERE",
        "(",
        ")",
        ",",
        ";",
        "*",
        ".",
        "=",
        "<",
        ">",
        "'x'",
        "1",
        "1.5",
        "NULL",
        "NOT",
        "AND",
    ),
    *(
        "CASE",
        "END",
        "AS",
        "`at`",
        "sensor",
        "INTERVAL",
        "SECOND",
        "TABLE",
        "GROUP BY",
        "=>",
        "TUMBLE",
        "COUNT",
        "CAST",
    ),
    *(
        "DISTINCT",
        "WITH",
        "UNION ALL",
        "FILTER",
        "OVER",
        "JOIN",
        "''",
        "::",
        "[",
        "]",
        "{",
        "?",
        "@x",
        "$1",
        "\x00",
        "é",
    ),
    *(
        "'",
        "`",
        '"',
        "/*",
        "--",
        "\\",
        "99999999999999999999999",
        "1e999",
        "SESSION",
        "MATCH_RECOGNIZE",
        "/*+",
        "LIKE",
    ),
]


def holds(text: str) -> None:
    try:
        parse(text, place="fuzz.sql")
    except PenstockError as error:
        lines = text.split("\n")
        assert error.message
        assert error.line == 0 or 1 <= error.column <= len(lines[error.line - 1]) + 1


def mutated(text: str, random: random.Random) -> str:
    pieces = [text[t.start : t.end + 1] for t in tokenize(Script(text))]
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        at = random.randrange(len(pieces))
        match random.randrange(4):
            case 0:
                del pieces[at]
            case 1:
                pieces[at] = random.choice(WORDS)
            case 2:
                pieces.insert(at, random.choice(WORDS))
            case _:
                other = random.randrange(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
    return " ".join(pieces)


@pytest.mark.parametrize("seed", range(60))
def test_mutated_scripts_are_plans_or_errors_with_a_place(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        holds(mutated(chance.choice(SCRIPTS), chance))


@pytest.mark.parametrize("seed", range(10))
def test_scripts_cut_anywhere_are_plans_or_errors(seed: int) -> None:
    chance = random.Random(seed)
    text = chance.choice(SCRIPTS)
    start = chance.randrange(len(text))
    holds(text[start : start + chance.randrange(len(text) - start)])


@pytest.mark.parametrize("depth", [50, 400, 3000])
def test_deep_nesting_is_refused_and_never_a_crash(depth: int) -> None:
    head = "CREATE TABLE t (a INT) WITH ('connector' = 'datagen');"
    head += "CREATE TABLE o (a INT) WITH ('connector' = 'blackhole'); INSERT INTO o SELECT "
    for inner in (
        "(" * depth + "a" + ")" * depth,
        "a" + " + a" * depth,
        "CASE WHEN a = 1 THEN " * depth + "1" + " END" * depth,
    ):
        holds(head + inner + " FROM t")
