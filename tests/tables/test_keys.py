"""Keys in requests find the rows, however their writers wrote them."""

import pytest

from penstock.tables.columns import TableColumn
from penstock.tables.keys import Keys


def keys(**kinds: str) -> Keys:
    return Keys(tuple(TableColumn(name, kind) for name, kind in kinds.items()), tuple(kinds))


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        ("STRING", "cpu.0", b'{"k":"cpu.0"}'),
        ("STRING", "a%2Fb%20c", b'{"k":"a/b c"}'),
        ("STRING", "1", b'{"k":"1"}'),
        ("STRING", "a,b", b'{"k":"a,b"}'),
        ("STRING", "%C3%A9", '{"k":"é"}'.encode()),
        ("STRING", "%C3%A9", b'{"k": "\\u00e9"}'),
        ("STRING", "x", b'{"k" : "x"}'),
        ("BIGINT", "12", b'{"k":12}'),
        ("BIGINT", "-9223372036854775808", b'{"k":-9223372036854775808}'),
        ("DOUBLE", "1", b'{"k":1}'),
        ("DOUBLE", "1", b'{"k":1.0}'),
        ("DOUBLE", "1.0", b'{"k":1e0}'),
        ("DECIMAL(10, 2)", "1.2", b'{"k":1.20}'),
        ("DECIMAL(10, 2)", "100", b'{"k":"1E+2"}'),
        ("BOOLEAN", "true", b'{"k":true}'),
        ("TIMESTAMP(3)", "2026-11-22 11:00:00.100", b'{"k":"2026-11-22 11:00:00.100"}'),
    ],
)
def test_a_key_is_found_by_its_columns_value(kind: str, text: str, written: bytes) -> None:
    table = keys(k=kind)
    table.learn(written)
    assert table.find(text) == written


def test_a_composite_key_is_found_by_its_columns_in_order() -> None:
    table = keys(site="STRING", core="INT")
    table.learn(b'{"core":3,"site":"a,b"}')
    assert table.find("a%2Cb,3") == b'{"core":3,"site":"a,b"}'
    assert table.find("a%2Cb,4") == b'{"site":"a,b","core":4}'


def test_a_forgotten_key_leaves_nothing_behind() -> None:
    table = keys(k="STRING")
    table.learn(b'{"k": "x"}')
    table.forget(b'{"k": "x"}')
    assert table.find("x") == b'{"k":"x"}'


@pytest.mark.parametrize("text", ["a", "a,b,c", "a,b"])
def test_a_text_that_cannot_be_a_key_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=r"columns|INT"):
        keys(site="STRING", core="INT").find(text)
