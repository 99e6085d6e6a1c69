"""The codecs of Kafka's record batches: gzip, snappy, lz4 and zstd, as bytes in and bytes out.

Knows framings and sizes; knows nothing of record batches. What is read may be hostile: `decompress` never
fills more than the given number of bytes.
"""

import itertools
import zlib
from collections.abc import Callable
from typing import Any

import cramjam

from penstock.calls import Bytes

NONE, GZIP, SNAPPY, LZ4, ZSTD = 0, 1, 2, 3, 4
CODEC_NAMES = {NONE: "none", GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}

# The framing of xerial's snappy-java, which Kafka's Java client writes: magic, version 1, compatible with 1,
# then blocks of a big-endian length and raw snappy. librdkafka writes raw snappy without any framing.
_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + b"\x00\x00\x00\x01\x00\x00\x00\x01"
_XERIAL_BLOCK = 32 * 1024

_FIRST_GUESS = 64 * 1024
_NEXT_GUESS = 8
_MEMBERS_MAX = 1024


def compress(codec: int, data: Bytes) -> bytes:
    """`data` compressed as Kafka's clients do it. Raises ValueError for a codec that is not known."""
    return _of(codec)[0](data)


def decompress(codec: int, data: Bytes, bytes_max: int) -> bytes:
    """What was compressed. Raises ValueError for damage, an unknown codec, or a result above `bytes_max`."""
    try:
        return _of(codec)[1](data, bytes_max)
    except (cramjam.DecompressionError, zlib.error) as error:
        raise ValueError(f"damaged {CODEC_NAMES[codec]} data: {error}") from None


def _of(codec: int) -> "tuple[_Compress, _Decompress]":
    try:
        return _CODECS[codec]
    except KeyError:
        raise ValueError(f"unknown compression codec {codec}") from None


def _keep(data: Bytes) -> bytes:
    return bytes(data)


def _kept(data: Bytes, bytes_max: int) -> bytes:
    if len(data) > bytes_max:
        raise ValueError(f"more than {bytes_max} bytes")
    return bytes(data)


def _gzip(data: Bytes) -> bytes:
    return bytes(cramjam.gzip.compress(data))


def _gunzip(data: Bytes, bytes_max: int) -> bytes:
    whole, left = bytearray(), bytes(data)
    for members in itertools.count():  # RFC 1952 allows several members, one after the other
        if not left:
            break
        # What is left is copied for each: a megabyte of empty ones would take seconds.
        if members == _MEMBERS_MAX:
            raise ValueError(f"more than {_MEMBERS_MAX} gzip members")
        member = zlib.decompressobj(wbits=31)
        whole += member.decompress(left, bytes_max - len(whole) + 1)
        if len(whole) > bytes_max:
            raise ValueError(f"more than {bytes_max} bytes when decompressed")
        if not member.eof:
            raise ValueError("damaged gzip data: it ends too early")
        left = member.unused_data
    if not data:
        raise ValueError("damaged gzip data: it is empty")
    return bytes(whole)


def _snappy(data: Bytes) -> bytes:
    view, out = memoryview(data), bytearray(_XERIAL_HEADER)
    for start in range(0, len(view), _XERIAL_BLOCK):
        block = cramjam.snappy.compress_raw(view[start : start + _XERIAL_BLOCK])
        out += len(block).to_bytes(4, "big")
        out += block
    return bytes(out)


def _unsnappy(data: Bytes, bytes_max: int) -> bytes:
    view = memoryview(data)
    if view[: len(_XERIAL_MAGIC)] != _XERIAL_MAGIC:
        return _unsnappy_block(view, bytes_max)
    whole, at = bytearray(), len(_XERIAL_HEADER)
    if len(view) < at:
        raise ValueError("damaged snappy data: it ends too early")
    while at < len(view):
        size = int.from_bytes(view[at : at + 4], "big")
        at += 4
        if at + size > len(view):
            raise ValueError("damaged snappy data: it ends too early")
        whole += _unsnappy_block(view[at : at + size], bytes_max - len(whole))
        at += size
    return bytes(whole)


def _unsnappy_block(block: memoryview, bytes_max: int) -> bytes:
    size = cramjam.snappy.decompress_raw_len(
        block
    )  # the length stands in front: refuse before filling memory
    if size > bytes_max:
        raise ValueError(f"{size - bytes_max} bytes too many when decompressed")
    out = bytearray(size)
    if cramjam.snappy.decompress_raw_into(block, out) != size:
        raise ValueError("damaged snappy data: it ends too early")
    return bytes(out)


def _lz4(data: Bytes) -> bytes:
    # Kafka's Java reader refuses frames with linked blocks (KafkaLZ4BlockInputStream), cramjam's default.
    frame = cramjam.lz4.Compressor(block_linked=False)
    frame.compress(bytes(data))
    return bytes(frame.finish())


def _unlz4(data: Bytes, bytes_max: int) -> bytes:
    return _growing(cramjam.lz4.decompress_into, data, bytes_max)


def _zstd(data: Bytes) -> bytes:
    return bytes(cramjam.zstd.compress(data))


def _unzstd(data: Bytes, bytes_max: int) -> bytes:
    return _growing(cramjam.zstd.decompress_into, data, bytes_max)


def _growing(into: Callable[[Any, Any], int], data: Bytes, bytes_max: int) -> bytes:
    """Decompress into a buffer of a guessed size, then into larger ones: the frame's own claim is not trusted."""
    size = min(max(_FIRST_GUESS, _NEXT_GUESS * len(data)), bytes_max)
    while True:
        out = bytearray(size)
        try:
            return bytes(memoryview(out)[: into(data, out)])
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise
        if size >= bytes_max:
            raise ValueError(f"more than {bytes_max} bytes when decompressed")
        size = min(size * _NEXT_GUESS, bytes_max)


_Compress = Callable[[Bytes], bytes]
_Decompress = Callable[[Bytes, int], bytes]

_CODECS: dict[int, tuple[_Compress, _Decompress]] = {
    NONE: (_keep, _kept),
    GZIP: (_gzip, _gunzip),
    SNAPPY: (_snappy, _unsnappy),
    LZ4: (_lz4, _unlz4),
    ZSTD: (_zstd, _unzstd),
}
