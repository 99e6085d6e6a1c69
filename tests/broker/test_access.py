"""Every call passes the access table, and every call is answered."""

import dataclasses
from typing import Any

import pytest

from penstock import calls
from penstock.broker import access
from penstock.broker.answers import ANSWERS, answers
from penstock.calls import Call, DescribeCluster, Principal
from penstock.errors import Refusal, Refused

from .bench import ME, START, Table

KINDS = [
    kind
    for kind in vars(calls).values()
    if isinstance(kind, type) and issubclass(kind, Call) and kind is not Call
]


def test_the_access_table_has_an_entry_for_every_call() -> None:
    assert len(KINDS) > 15
    assert set(access.ACCESS) == set(KINDS)


def test_every_call_has_an_answering_function() -> None:
    assert set(ANSWERS) == set(KINDS)


def test_a_call_without_an_entry_is_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Strange(Call):
        """In no table."""

    refused = Table().ask(Strange(ME))
    assert isinstance(refused, Refused) and refused.reason is Refusal.NOT_ALLOWED


def test_no_call_is_answered_past_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    seen: list[tuple[str, str]] = []

    def only_describing(principal: Principal, permission: access.Permission) -> bool:
        seen.append((principal.name, permission.operation))
        return permission.operation == "describe"

    monkeypatch.setattr(access, "allowed", only_describing)
    assert not isinstance(table.ask(DescribeCluster(Principal("anna"))), Refused)
    empty: dict[str, Any] = {
        "parts": (), "topics": (), "group": "g", "groups": (), "resources": (), "member_id": "", "members": (),
        "instance_id": None, "protocol_type": "c", "protocols": (), "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 1, "generation": 1, "commits": (),
    }  # fmt: skip
    for kind in KINDS:
        needed = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING
                  and f.default_factory is dataclasses.MISSING and f.name != "principal"]  # fmt: skip
        answer = table.broker.answer(kind(Principal("otto"), **{name: empty[name] for name in needed}), START)
        refused = isinstance(answer, Refused) and answer.reason is Refusal.NOT_ALLOWED
        assert refused == (access.ACCESS[kind].operation != "describe"), kind
    assert ("anna", "describe") in seen and ("otto", "write") in seen


def test_two_functions_cannot_answer_one_call() -> None:
    with pytest.raises(RuntimeError, match="answered already"):
        answers(DescribeCluster)(lambda state, call, now: None)


def test_requests_are_counted_by_their_call() -> None:
    table = Table()
    table.ask(DescribeCluster(ME))
    table.ask(DescribeCluster(ME))
    assert table.broker.measures()['penstock_requests_total{call="DescribeCluster"}'] == 2
