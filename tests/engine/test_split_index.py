"""SPLIT_INDEX, which is a compiled loop, is what Python cuts out."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.functions.table import Value, constant
from penstock.engine.functions.texts.strings import split_index
from tests.engine.streams import NO_SHRINKING


@settings(max_examples=200, deadline=None, phases=NO_SHRINKING)
@given(
    texts=st.lists(st.none() | st.text("aabé/", max_size=80), max_size=6),
    mark=st.sampled_from(["a", "ab", "aa", "é", "aéa"]),
    index=st.integers(-1, 4),
)
def test_a_part_of_a_text_is_what_python_cuts_out(texts: list[str | None], mark: str, index: int) -> None:
    made = pl.select(bind_split(pl.Series("t", texts, dtype=pl.String), mark, index)).to_series().to_list()
    cut = [(text or "").split(mark) for text in texts]
    assert made == [
        parts[index] if text and 0 <= index < len(parts) else None
        for text, parts in zip(texts, cut, strict=True)
    ]


def bind_split(texts: pl.Series, mark: str, index: int) -> pl.Expr:
    return split_index(Value("STRING", pl.lit(texts)), constant("STRING", mark), constant("INT", index)).expr
