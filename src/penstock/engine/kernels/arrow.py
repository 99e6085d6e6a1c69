"""Text columns as the kernels see them: Arrow's buffers in and out of polars, without copies where possible.

Knows nothing of what stands in the texts.
"""

from typing import Any

import nanoarrow
import numpy as np
import polars as pl
from arro3.core import Array, ChunkedArray, DataType, list_array
from numpy.typing import NDArray

Texts = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]


def text_buffers(texts: pl.Series) -> Texts:
    """(bytes, offsets, valid) of a String or Binary column; offsets[i]:offsets[i+1] is row i."""
    wide = DataType.large_binary() if texts.dtype == pl.Binary else DataType.large_utf8()
    chunked = ChunkedArray(texts.rechunk())
    array = chunked.cast(wide).combine_chunks() if len(texts) else None
    if array is None:
        return np.zeros(1, np.uint8), np.zeros(1, np.int64), np.zeros(0, np.bool_)
    return array_buffers(array)


def array_buffers(array: Any) -> Texts:
    """The same of an Arrow array of (large) text or bytes."""
    c_array = nanoarrow.c_array(array)
    view = c_array.view()
    rows, start = len(c_array), c_array.offset
    narrow = c_array.schema.format in ("u", "z")
    offsets = np.frombuffer(view.buffer(1), np.int32 if narrow else np.int64)[start : start + rows + 1]
    data = np.frombuffer(view.buffer(2), np.uint8) if view.buffer(2).size_bytes else np.zeros(1, np.uint8)
    return data, offsets.astype(np.int64), validity(view, rows, start, c_array.null_count)


def validity(view: Any, rows: int, start: int, nulls: int) -> NDArray[np.bool_]:
    """An Arrow validity bitmap as one bool a row."""
    if nulls == 0 or view.buffer(0).size_bytes == 0:
        return np.ones(rows, np.bool_)
    bits = np.frombuffer(view.buffer(0), np.uint8)
    return np.unpackbits(bits, bitorder="little")[start : start + rows].astype(np.bool_)


def wide_words(numbers: pl.Series) -> NDArray[np.int64]:
    """The lower and the upper words of a Decimal column's unscaled numbers; anything where it is null."""
    if not len(numbers):
        return np.zeros((2, 0), np.int64)
    c_array = nanoarrow.c_array(ChunkedArray(numbers.rechunk()).combine_chunks())
    words = np.frombuffer(c_array.view().buffer(1), np.int64).reshape(-1, 2)
    return words[c_array.offset : c_array.offset + len(c_array)].T


def own(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own.

    polars keeps the memory of all texts that once lay beside those of a frame, through filters and `rechunk` as well,
    and a slice keeps all it is of: rows that stay for long would hold all that was fetched with them.
    """
    return pl.DataFrame([_owned(series) for series in frame.get_columns()], height=frame.height)


def _owned(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.Struct):
        fields = own(pl.DataFrame([series.struct.field(name).alias(name) for name in series.struct.fields]))
        made = fields.to_struct(series.name)
        if not series.null_count():
            return made
        there = pl.Series(series.is_not_null().to_numpy())  # through numpy: a copy
        return made.to_frame().select(pl.when(there).then(pl.first())).to_series()
    if isinstance(series.dtype, pl.List):
        elements, offsets, valid = unnest(series)
        return nest(series.name, _owned(elements), offsets, valid)
    if series.dtype not in (pl.String, pl.Binary) or not len(series):
        return series.gather(np.arange(len(series), dtype=np.uint32))
    data, offsets, valid = text_buffers(series)
    form = nanoarrow.large_string() if series.dtype == pl.String else nanoarrow.large_binary()
    bits = None if valid.all() else np.packbits(valid, bitorder="little")
    array = nanoarrow.c_array_from_buffers(form, len(series), [bits, offsets, data])
    return pl.Series(nanoarrow.Array(array)).alias(series.name)


Lists = tuple[pl.Series, NDArray[np.int64], NDArray[np.bool_]]


def unnest(lists: pl.Series) -> Lists:
    """(elements, offsets, valid) of a List column; elements[offsets[i] : offsets[i + 1]] is row i."""
    valid = np.asarray(lists.is_not_null().to_numpy())
    sizes = lists.list.len().fill_null(0)
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(sizes.to_numpy(), out=offsets[1:])
    filled = (
        lists if bool((sizes > 0).all()) else lists.filter(sizes > 0)
    )  # explode makes a null of an empty one
    assert isinstance(lists.dtype, pl.List)
    if not offsets[-1]:
        return pl.Series("element", [], dtype=lists.dtype.inner), offsets, valid
    return filled.explode().alias("element"), offsets, valid


def nest(
    name: str, elements: pl.Series, offsets: NDArray[np.int64], valid: NDArray[np.bool_] | None = None
) -> pl.Series:
    """The opposite of `unnest`."""
    kind = pl.List(elements.dtype)
    if len(offsets) == 1:
        return pl.Series(name, [], dtype=kind)
    if not len(elements):
        made = pl.Series(name, [[]], dtype=kind).new_from_index(0, len(offsets) - 1)
    else:
        inner = ChunkedArray(elements.rechunk()).combine_chunks()
        made = pl.Series(list_array(Array(offsets), inner)).alias(name)
    if valid is None or valid.all():
        return made
    return made.to_frame().select(pl.when(pl.Series(valid)).then(pl.first())).to_series()


def join_texts(parts: list[Texts]) -> Texts:
    """Text columns laid after each other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.zeros(1, np.uint8), np.zeros(1, np.int64), np.zeros(0, np.bool_)
    sizes = np.cumsum([0, *(int(offsets[-1] - offsets[0]) for _, offsets, _ in parts)])
    data = np.concatenate(
        [np.zeros(0, np.uint8), *(data[offsets[0] : offsets[-1]] for data, offsets, _ in parts)]
    )
    moved = [offsets[:-1] - offsets[0] + size for (_, offsets, _), size in zip(parts, sizes, strict=False)]
    return data, np.concatenate([*moved, sizes[-1:]]), np.concatenate([valid for _, _, valid in parts])


def text_series(
    name: str,
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    valid: NDArray[np.bool_] | None = None,
    binary: bool = False,
) -> pl.Series:
    """A String (or Binary) column over the kernels' buffers; a String's bytes must be UTF-8."""
    bits = None
    if valid is not None and not valid.all():
        bits = np.packbits(valid, bitorder="little")
    form = nanoarrow.large_binary() if binary else nanoarrow.large_string()
    array = nanoarrow.c_array_from_buffers(form, len(offsets) - 1, [bits, offsets, data])
    return pl.Series(nanoarrow.Array(array)).alias(name)
