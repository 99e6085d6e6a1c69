"""A record batch as an idempotent or transactional producer sends it: who, which epoch, which sequence (KIP-98).

Knows the header's bytes; knows nothing of what the batch holds, nor of when it is sent.
"""

import struct

from google_crc32c import extend
from google_crc32c import value as crc32c

from penstock.calls import Bytes, ProducerIdentity
from penstock.record import CRC_FROM, HEADER_SIZE

_PRODUCER, _CRC = struct.Struct(">qhi"), struct.Struct(">I")
_ATTRIBUTES_LOW, _TRANSACTIONAL, _PRODUCER_AT, _CRC_AT = 22, 0x10, 43, 17


def stamp(batch: Bytes, identity: ProducerIdentity, sequence: int, *, transactional: bool = False) -> bytes:
    """A copy of the batch with its producer, and its checksum made anew.

    What follows the header is copied once for the checksum and once for the whole: at 100 kB 10 µs in all. (Shifting
    the old checksum by the changed header needs no pass over the bytes, but costs 60 µs in Python.)
    """
    head, rest = bytearray(batch[:HEADER_SIZE]), bytes(batch[HEADER_SIZE:])
    if transactional:
        head[_ATTRIBUTES_LOW] |= _TRANSACTIONAL
    _PRODUCER.pack_into(head, _PRODUCER_AT, identity.producer_id, identity.producer_epoch, sequence)
    _CRC.pack_into(head, _CRC_AT, extend(crc32c(bytes(head[CRC_FROM:])), rest))
    return bytes(head) + rest


def records_in(batch: Bytes) -> int:
    """How many sequence numbers the batch takes."""
    (last_delta,) = struct.unpack_from(">i", batch, 23)
    return int(last_delta) + 1


def check_single(batch: Bytes) -> None:
    """Kafka takes one record batch a partition and request (since Produce v3)."""
    if len(batch) < HEADER_SIZE or batch[16] != 2 or struct.unpack_from(">i", batch, 8)[0] + 12 != len(batch):
        raise ValueError("append takes exactly one whole record batch of format version 2")
