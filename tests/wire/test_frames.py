"""Length-prefixed frames out of a stream cut anywhere."""

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.frames import CRUMB_BYTES, FrameError, Frames


def framed(*bodies: bytes) -> bytes:
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(ends)]


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(0, 1000), max_size=12))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    bodies: list[bytes], places: list[int]
) -> None:
    frames = Frames(100)
    found = [bytes(f) for part in cut(framed(*bodies), places) for f in frames.feed(part)]
    assert found == bodies
    assert frames.held_bytes == 0


def test_a_frame_that_lies_in_one_buffer_is_a_view_of_it() -> None:
    data = framed(b"first", b"second")
    assert [frame.obj for frame in Frames(100).feed(data)] == [data, data]


def test_a_frame_that_spans_buffers_is_joined_once_into_memory_that_may_be_written_to() -> None:
    frames = Frames(100)
    assert list(frames.feed(framed(b"abcdef")[:7])) == []
    (frame,) = frames.feed(b"def")
    assert isinstance(frame.obj, bytearray)
    assert not frame.readonly


def test_an_empty_frame_and_empty_input_are_fine() -> None:
    frames = Frames(100)
    assert list(frames.feed(b"")) == []
    assert [bytes(f) for f in frames.feed(framed(b"", b"a"))] == [b"", b"a"]


@pytest.mark.parametrize("size", [101, 2**31 - 1, -1, -(2**31)])
def test_a_size_out_of_bounds_is_refused_before_anything_is_kept(size: int) -> None:
    with pytest.raises(FrameError):
        list(Frames(100).feed(size.to_bytes(4, "big", signed=True)))


def test_frames_before_a_bad_size_still_come_out() -> None:
    feed = Frames(100).feed(framed(b"good") + b"\x7f\xff\xff\xff")
    assert bytes(next(feed)) == b"good"
    with pytest.raises(FrameError):
        next(feed)


def test_an_announced_size_takes_no_memory() -> None:
    frames = Frames(1 << 30)
    tracemalloc.start()
    list(frames.feed((1 << 30).to_bytes(4, "big") + b"x"))
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_large_frame_in_small_pieces_is_copied_once_not_over_and_over() -> None:
    piece, count = bytes(1000), 5000
    frames = Frames(1 << 30)
    list(frames.feed((len(piece) * count).to_bytes(4, "big")))
    tracemalloc.start()
    for _ in range(count):
        (*found,) = frames.feed(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 1
    assert len(found[0]) == len(piece) * count
    assert peak < 3 * len(piece) * count


def test_a_frame_that_comes_byte_by_byte_is_held_in_its_own_size() -> None:
    frames, body = Frames(100_000), bytes(range(256)) * 200
    tracemalloc.start()
    for byte in framed(body)[:-1]:
        assert list(frames.feed(bytes([byte]))) == []
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes < 2 * len(body)
    assert [bytes(frame) for frame in frames.feed(body[-1:])] == [body]


@given(st.lists(st.sampled_from([1, CRUMB_BYTES - 1, CRUMB_BYTES, 3 * CRUMB_BYTES]), min_size=1, max_size=12))
def test_crumbs_between_large_pieces_keep_their_place(sizes: list[int]) -> None:
    body = b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    frames, found, data = Frames(len(body)), [], framed(body)
    ends = [0, *itertools.accumulate(sizes)]
    for begin, end in itertools.pairwise([0, *(end + 4 for end in ends[1:])]):
        found += [bytes(frame) for frame in frames.feed(data[begin:end])]
    assert found == [body]
