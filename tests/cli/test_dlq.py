"""`penstock dlq`: list, show, edit, redrive, purge, as people and as programs see them."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from penstock.dead_letters import DeadLetter, Failing, Origin
from tests.cli.conftest import Call


@pytest.fixture
def dead(call: Call, topic: str, broker_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A topic of dead letters with three in it, and the topic they came from, which has none."""
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP", broker_address)
    assert call("topic", "create", topic, f"{topic}.dlq").code == 0
    bury(call, topic, "a", '{"id": 1}', "ValueError")
    bury(call, topic, "b", '{"id": "x"}', "ValueError")
    bury(call, topic, "c", "slow", "shop.TimeoutError")
    return f"{topic}.dlq"


def bury(call: Call, topic: str, key: str, value: str, kind: str) -> None:
    now_ms = int(time.time() * 1000)
    letter = DeadLetter(
        key.encode(), value.encode(), origin=Origin(topic, 0, 7, now_ms), owner="billing", attempts=3,
        failing=Failing(kind, f"no {key}", f"Traceback\n{kind}: no {key}", "TASK_PUT", "shop.charge"),
        first_ms=now_ms, last_ms=now_ms,
    )  # fmt: skip
    words = [f"{name}={(text or b'').decode()}" for name, text in letter.record(now_ms).headers]
    flags = [flag for word in words for flag in ("--header", word)]
    assert call("produce", f"{topic}.dlq", value, "--key", key, *flags).code == 0


def values(call: Call, topic: str) -> list[str]:
    return call("consume", topic.removesuffix(".dlq")).lines


# --- the plain case --------------------------------------------------------------------------------------------------


def test_topics_groups_and_letters_are_listed(call: Call, dead: str) -> None:
    assert {"source": dead, "waiting": 3}.items() <= next(
        row for row in call("dlq", "list", "--json").rows if row["source"] == dead
    ).items()
    rows = call("dlq", "list", dead, "--json").rows
    assert [(row["letters"], row["reason"], row["exception"], row["owner"]) for row in rows] == [
        (2, "failed", "ValueError", "billing"),
        (1, "failed", "shop.TimeoutError", "billing"),
    ]
    said = call("dlq", "list", dead, "--letters", "--exception", "TimeoutError")
    assert "shop.TimeoutError" in said.out and "slow" in said.out and len(said.lines) == 2


def test_one_is_shown_with_all_that_is_known(call: Call, dead: str) -> None:
    said = call("dlq", "show", dead, "0:2")
    assert "shop.TimeoutError" in said.out
    assert f"{dead.removesuffix('.dlq')}-0@7" in said.out
    assert "Traceback" in said.out
    (facts,) = call("dlq", "show", dead, "0:2", "--json").rows
    assert (facts["value"], facts["attempts"], facts["owner"]) == ("slow", 3, "billing")
    assert call("dlq", "show", dead, "0:2", "--body").out == "slow"


def test_found_edited_sent_back_it_is_there_to_be_processed(call: Call, dead: str) -> None:
    (edited,) = call("dlq", "edit", dead, "0:1", "--value", '{"id": 2}', "--json").rows
    assert edited["replaces"] == "0:1"
    said = call("dlq", "redrive", dead, edited["letter"], "--yes", "--json")
    (outcome,) = said.rows
    assert (said.code, outcome["done"], outcome["to"]) == (0, 1, {dead.removesuffix(".dlq"): 1})
    assert values(call, dead) == ['{"id": 2}']
    states = next(row for row in call("dlq", "list", "--json").rows if row["source"] == dead)
    assert (states["waiting"], states["redriven"], states["replaced"]) == (2, 1, 1)


def test_a_dry_run_counts_and_does_nothing(call: Call, dead: str) -> None:
    (outcome,) = call("dlq", "redrive", dead, "--exception", "ValueError", "--dry-run", "--json").rows
    assert (outcome["done"], outcome["dry_run"]) == (2, True)
    assert call("dlq", "purge", dead, "--all", "--dry-run", "--json").rows[0]["done"] == 3
    assert values(call, dead) == []
    assert call("dlq", "list", dead, "--json").rows[0]["letters"] == 2


def test_purged_ones_are_gone_from_the_list(call: Call, dead: str) -> None:
    assert call("dlq", "purge", dead, "--contains", "slow", "--yes").code == 0
    assert [row["exception"] for row in call("dlq", "list", dead, "--json").rows] == ["ValueError"]
    assert len(call("dlq", "list", dead, "--letters", "--state", "purged", "--json").rows) == 1


def test_a_body_is_edited_in_an_editor(
    call: Call, dead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/slow/fast/ "$1"; echo >> "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    master, terminal = os.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        (edited,) = call("dlq", "edit", dead, "0:2", "--json").rows
    os.close(master)
    assert call("dlq", "show", dead, edited["letter"], "--body").out.strip() == "fast"


# --- the refusals ----------------------------------------------------------------------------------------------------


def test_nothing_is_sent_back_without_saying_which(call: Call, dead: str) -> None:
    for verb in ("redrive", "purge"):
        said = call("dlq", verb, dead, "--yes")
        assert (said.code, "--all" in said.error) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "{}", "nonsense"), "no dead letter's name"),
        (("show", "{}", "0:99"), "there is no dead letter"),
        (("edit", "{}", "0:0"), "new body"),
        (("edit", "{}", "0:0", "--file", "/nowhere/at/all"), "cannot read"),
        (("redrive", "{}", "--all", "--rate", "-1", "--yes"), "rate"),
        (("redrive", "{}", "--all"), "Nobody is there to be asked"),
        (("list", "{}", "--since", "end"), "is no time"),
        (("list", "nowhere.dlq"), "UNKNOWN_TOPIC"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(
    call: Call, dead: str, typed: object, words: tuple[str, ...], told: str
) -> None:
    typed(b"")  # type: ignore[operator]
    said = call("dlq", *[word.format(dead) for word in words], "--json")
    assert said.code == 2
    assert told in json.loads(said.error)["error"] + json.loads(said.error)["remedy"]


def test_an_edit_that_changes_nothing_does_nothing(call: Call, dead: str) -> None:
    assert call("dlq", "edit", dead, "0:2", "--value", "slow").code == 1
    assert len(call("dlq", "list", dead, "--letters", "--state", "any", "--json").rows) == 3


def test_what_a_letter_says_does_not_steer_the_terminal(call: Call, dead: str) -> None:
    bury(call, dead.removesuffix(".dlq"), "evil", "\x1b[2Jgone", "Evil")
    assert "\x1b" not in call("dlq", "show", dead, "0:3").out
    assert "\x1b" not in call("dlq", "list", dead, "--letters").out
