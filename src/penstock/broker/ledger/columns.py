"""Columns of numbers and bytes in one record of a Kafka batch: the container of the ledger's blocks and snapshots.

Columns are little-endian, whatever the machine is. Knows where columns stand; knows not what they mean.

    format 1 · kind 1 · which columns are there 4 · length 4 of each that is · the columns
"""

import struct
import sys
from array import array
from collections.abc import Mapping

from google_crc32c import value as crc32c

from penstock.calls import Bytes
from penstock.errors import PenstockError
from penstock.record import CRC_FROM, HEADER, HEADER_SIZE, PREFIX_SIZE

FORMAT = 1
BLOCK, PIECE, MARK = 1, 2, 3
"""Kinds: events and messages; a part of a snapshot; the end of one."""

_START, _CRC = struct.Struct("<BBI"), struct.Struct(">I")
_BIG = sys.byteorder == "big"

Columns = Mapping[int, Bytes]


def packed(numbers: "array[int]") -> bytes:
    """A column's bytes."""
    if _BIG:
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def numbers(code: str, column: Bytes) -> "array[int]":
    """A column's numbers, by the type code of `array`."""
    found = array(code)
    found.frombytes(column)
    if _BIG:
        found.byteswap()
    return found


def batch(kind: int, columns: Columns, now_ms: int) -> bytearray:
    """A whole record batch with one record, whose value holds the columns."""
    order = sorted(columns)
    mask = sum(1 << number for number in order)
    lengths = array("I", [len(columns[number]) for number in order])
    head = _START.pack(FORMAT, kind, mask) + packed(lengths)
    size = len(head) + sum(lengths)
    # One record: no attributes, no time or offset of its own, no key; then the value and no headers.
    lead = b"\x00\x00\x00\x01" + _varint(size)
    covered_head = HEADER.pack(0, 0, 0, 2, 0, 0, 0, now_ms, now_ms, -1, -1, -1, 1)[CRC_FROM:]
    covered = b"".join(
        (
            covered_head,
            _varint(len(lead) + size + 1),
            lead,
            head,
            *(columns[number] for number in order),
            b"\x00",
        )
    )
    start = HEADER.pack(0, len(covered) + CRC_FROM - PREFIX_SIZE, 0, 2, 0, 0, 0, 0, 0, -1, -1, -1, 1)[
        : CRC_FROM - 4
    ]
    whole = bytearray(start + _CRC.pack(crc32c(covered)))
    whole += covered
    return whole


def unpack(chunk: Bytes, position: int) -> tuple[int, dict[int, memoryview]]:
    """Kind and columns of the batch at `position`, which is intact. Raises PenstockError for another version's."""
    view = memoryview(chunk)
    at = _behind_varint(view, position + HEADER_SIZE) + 4  # the record's length, four fields of one byte
    at = _behind_varint(view, at)
    form, kind, mask = _START.unpack_from(view, at)
    if form != FORMAT:
        raise PenstockError(
            f"the queues' log has format {form}, which is not known",
            remedy="start the version that wrote this data directory",
        )
    at += _START.size
    lengths = numbers("I", view[at : at + 4 * mask.bit_count()])
    at += 4 * len(lengths)
    found = {}
    for length in lengths:
        number = (mask & -mask).bit_length() - 1
        mask &= mask - 1
        found[number] = view[at : at + length]
        at += length
    return kind, found


def _behind_varint(view: memoryview, at: int) -> int:
    while view[at] >= 0x80:
        at += 1
    return at + 1


def _varint(number: int) -> bytes:
    """A length as a record has it: zigzag, seven bits a byte, lowest first."""
    number <<= 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
