"""Reads which topics a consumer subscribes to out of its join metadata (Kafka's ConsumerProtocolSubscription).

int16 version · int32 count · strings, in every version; what follows is not looked at. The bytes are a client's:
what cannot be read names no topic. Knows bytes; knows no group.
"""

import struct

_HEAD, _SHORT = struct.Struct(">hi"), struct.Struct(">h")


def subscribed(metadata: bytes) -> list[str]:
    """The topics, [] where the metadata is another protocol's or cut short."""
    topics: list[str] = []
    try:
        _, count = _HEAD.unpack_from(metadata)
        at = _HEAD.size
        for _ in range(min(count, len(metadata) // _SHORT.size)):
            (size,) = _SHORT.unpack_from(metadata, at)
            at += _SHORT.size
            if size < 0 or at + size > len(metadata):
                return []
            topics.append(metadata[at : at + size].decode())
            at += size
    except (struct.error, UnicodeDecodeError):
        return []
    return topics
