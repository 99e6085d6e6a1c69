"""Which partition a key belongs to, as the Java client decides it: murmur2 over the key's bytes.

Knows nothing of topics or connections. Source: org.apache.kafka.common.utils.Utils.murmur2.
"""

import struct

_WORD = struct.Struct("<I")
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Kafka's 32-bit murmur2 (seed 0x9747b28c), as an unsigned number."""
    length = len(key)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for (word,) in _WORD.iter_unpack(key[:whole]):
        k = (word * _M) & _MASK
        h = ((h * _M) ^ ((k ^ (k >> 24)) * _M)) & _MASK
    tail = key[whole:]
    if tail:
        h = ((h ^ int.from_bytes(tail, "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition the Java client's default partitioner gives a record with this key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
