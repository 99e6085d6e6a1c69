"""The checker finds what it is there to find: a sound history has no anomaly, and each way to spoil it has its name."""

from collections.abc import Callable

import pytest

from tests.crash.history import Final, History, Poll, Transaction

LOAD, SOURCE, TARGET = ("load", 0), ("source", 0), ("target", 0)


def sound() -> tuple[History, Final]:
    """Two acknowledged values, a committed, an aborted and an unclear transaction, copies, two readers and their polls."""
    history = History()
    history.sent = {"a 0", "a 1", "s 0", "s 1", "s 2", "s 3", "s 4", "s 5"}
    history.told("a 0", "load", 0, 0)
    history.told("a 1", "load", 0, -1)
    history.ended("source", ["s 0", "s 1"], "committed")
    history.ended("source", ["s 2", "s 3"], "aborted")
    history.ended("source", ["s 4", "s 5"], "unknown")
    source = [(0, "s 0"), (1, "s 1"), (6, "s 4"), (7, "s 5")]
    every = [(0, "s 0"), (1, "s 1"), (3, "s 2"), (4, "s 3"), (6, "s 4"), (7, "s 5")]
    load = [(0, "a 0"), (1, "a 1")]
    target = [(0, "s 0"), (1, "s 1"), (3, "s 4"), (4, "s 5")]
    history.polls = [
        Poll(True, SOURCE, source[:3], "one"),
        Poll(True, SOURCE, source[3:], "one"),
        Poll(True, SOURCE, source[1:]),
        Poll(False, SOURCE, every[:2], "two"),
        Poll(False, SOURCE, every[2:], "two"),
    ]
    final = Final(
        {LOAD: load, SOURCE: every, TARGET: list(target)},
        {LOAD: list(load), SOURCE: source, TARGET: target},
    )
    return history, final


def anomalies(history: History, final: Final) -> list[str]:
    return history.anomalies(final, [("source", "target")])


def test_a_sound_history_has_no_anomaly() -> None:
    assert anomalies(*sound()) == []


def test_what_is_unknown_may_be_there_or_not() -> None:
    history, final = sound()
    del final.committed[SOURCE][2:], final.committed[TARGET][2:]
    history.polls.clear()
    assert anomalies(history, final) == []


SPOILERS: dict[str, Callable[[History, Final], object]] = {
    "lost: a 1": lambda h, f: f.committed[LOAD].pop(),
    "lost: ['s 1']": lambda h, f: f.committed[SOURCE].pop(1),
    "moved": lambda h, f: h.told("a 1", "load", 0, 5),
    "aborted read: ['s 2'] in ('source', 0) by a reader": lambda h, f: f.committed[SOURCE].insert(
        2, (3, "s 2")
    ),
    "aborted read: ['s 3'] in ('source', 0) by one": lambda h, f: h.polls.append(
        Poll(True, SOURCE, [(4, "s 3")], "one")
    ),
    "two values": lambda h, f: h.polls.append(Poll(False, LOAD, [(1, "a 0")])),
    "twice: s 5": lambda h, f: f.committed[TARGET].append((5, "s 5")),
    "disorder": lambda h, f: f.committed[LOAD].__setitem__(slice(None), [(0, "a 1"), (1, "a 0")]),
    "gap: a poll": lambda h, f: h.polls.append(Poll(True, SOURCE, [(1, "s 1"), (7, "s 5")])),
    "gap: a poll of ('source', 0) at (6": lambda h, f: h.polls.append(
        Poll(True, SOURCE, [(6, "s 4"), (1, "s 1")])
    ),
    "gap: one": lambda h, f: h.polls.__delitem__(0),
    "gap: two": lambda h, f: h.polls.insert(4, Poll(False, SOURCE, [(1, "s 1")], "two")),
    "gap: a poll of ('load', 0)": lambda h, f: h.polls.append(Poll(True, LOAD, [(2, "a 1")])),
    "half a transaction": lambda h, f: f.committed[SOURCE].pop(2),
    "made up": lambda h, f: h.sent.discard("a 0"),
    "copied wrongly": lambda h, f: f.committed[TARGET].pop(0),
    "copied wrongly: partition 0 of target has 3": lambda h, f: f.committed[TARGET].pop(),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_each_anomaly_is_found(name: str) -> None:
    history, final = sound()
    SPOILERS[name](history, final)
    found = anomalies(history, final)
    assert any(one.startswith(name) for one in found), found


def test_a_history_says_what_became_of_a_transaction() -> None:
    history = History()
    history.ended("t", iter(["x 1"]), "unknown")
    assert history.transactions == [Transaction("t", ("x 1",), "unknown")]
