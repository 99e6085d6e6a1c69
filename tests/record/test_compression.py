"""The codecs against other implementations of them, and against hostile input."""

import gzip

import cramjam
import pytest
from aiokafka.codec import lz4_encode, snappy_decode, snappy_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compression import CODEC_NAMES, GZIP, LZ4, NONE, SNAPPY, ZSTD, compress, decompress

CODECS = sorted(CODEC_NAMES)
DATA = bytes(range(256)) * 700


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from(CODECS))
def test_what_is_compressed_is_decompressed(data, codec):
    assert decompress(codec, compress(codec, data), len(data)) == data


@pytest.mark.parametrize("codec", CODECS)
def test_large_data_comes_back_and_from_any_buffer(codec):
    packed = compress(codec, bytearray(DATA * 20))
    assert decompress(codec, memoryview(packed), 1 << 30) == DATA * 20


@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_is_refused_at_the_bound(codec):
    packed = compress(codec, bytes(1_000_000))
    with pytest.raises(ValueError, match=r"more than 999999 bytes|bytes too many"):
        decompress(codec, packed, 999_999)


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_cut_raises_at_every_place(codec):
    packed = compress(codec, b"some words, some words, some other words")
    for size in range(len(packed)):
        if codec == SNAPPY and size == 16:
            continue  # the bare xerial header is a whole stream of no blocks
        with pytest.raises(ValueError):
            decompress(codec, packed[:size], 1000)


def test_snappy_is_read_with_and_without_its_framing():
    assert decompress(SNAPPY, bytes(cramjam.snappy.compress_raw(DATA)), len(DATA)) == DATA
    assert decompress(SNAPPY, snappy_encode(DATA), len(DATA)) == DATA
    assert snappy_decode(compress(SNAPPY, DATA)) == DATA


def test_lz4_frames_have_independent_blocks_as_java_demands():
    assert compress(LZ4, DATA)[4] & 0x20
    assert decompress(LZ4, lz4_encode(DATA), len(DATA)) == DATA


def test_gzip_of_several_members_is_read_whole():
    two = gzip.compress(b"one") + gzip.compress(b"two")
    assert decompress(GZIP, two, 6) == b"onetwo"
    with pytest.raises(ValueError):
        decompress(GZIP, two, 5)


def test_an_unknown_codec_is_refused():
    for call in (lambda: compress(5, b""), lambda: decompress(7, b"", 1)):
        with pytest.raises(ValueError, match="unknown compression codec"):
            call()
    assert decompress(NONE, b"", 0) == b""
