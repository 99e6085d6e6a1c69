"""What holds in every test of the gateways: rows name only fields that some version has."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from penstock.wire.kafka import session
from penstock.wire.kafka.codec import response_type
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.shape import Shape, shape_of
from tests.wire.fake_broker import FakeBroker


@cache
def known_names(api_key: int) -> dict[str, Any]:
    """The fields of an API's response in any offered version, as a tree."""
    api, tree = OFFERED[api_key], {}
    for version in range(api.lowest, api.highest + 1):
        _merge(tree, shape_of(response_type(api_key, version)))
    return tree


def _merge(tree: dict[str, Any], shape: Shape) -> None:
    for slot in (*shape.plain, *shape.tagged):
        inner = tree.setdefault(slot.name, {})
        if slot.entity:
            _merge(inner, slot.entity)


def unknown_names(row: Any, tree: dict[str, Any]) -> set[str]:
    if isinstance(row, dict):
        found = set(row) - set(tree)
        return found.union(*(unknown_names(value, tree[name]) for name, value in row.items() if name in tree))
    if isinstance(row, list | tuple):
        return set().union(*(unknown_names(value, tree) for value in row))
    return set()


@pytest.fixture(autouse=True)
def rows_name_only_known_fields(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The encoder passes over what a version lacks, so a misspelt name would go unnoticed without this."""
    encode = session.encode_response

    def strict(api_key: int, version: int, correlation_id: int, row: Row) -> Any:
        assert not unknown_names(row, known_names(api_key)), f"API {api_key} names unknown fields"
        return encode(api_key, version, correlation_id, row)

    monkeypatch.setattr(session, "encode_response", strict)
    yield


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker(t=2)
