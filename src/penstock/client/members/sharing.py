"""What members of a consumer group tell each other (ConsumerProtocol), and how their leader shares partitions out.

Partitions of the same number stay together: who has `orders` 3 has every topic's 3, so that a topic's companions (its
retries, what it holds back) are read by who reads the topic itself. Members keep what they had where that is fair.

    subscription: int16 version · topics · user data · (from 1) owned partitions
    assignment:   int16 version · topics with their partitions · user data

Source: Kafka's ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json. Knows bytes; knows no server.
"""

import struct
from collections.abc import Mapping, Sequence

Part = tuple[str, int]

_VERSION = 1
_SHORT, _INT = struct.Struct(">h"), struct.Struct(">i")


def subscription(topics: Sequence[str], owned: Sequence[Part]) -> bytes:
    """What a member says when it joins."""
    names = b"".join(map(_text, topics))
    return _SHORT.pack(_VERSION) + _INT.pack(len(topics)) + names + _INT.pack(-1) + _parts(owned)


def owned_of(metadata: bytes) -> list[Part]:
    """The partitions that a member says it had; [] where it says nothing that can be read."""
    try:
        (version,) = _SHORT.unpack_from(metadata)
        (count,) = _INT.unpack_from(metadata, 2)
        at = 6
        for _ in range(count):
            _, at = _read_text(metadata, at)
        (size,) = _INT.unpack_from(metadata, at)
        return _read_parts(metadata, at + 4 + max(0, size))[0] if version >= 1 else []
    except (struct.error, ValueError):
        return []


def assignment(parts: Sequence[Part]) -> bytes:
    """What the leader hands to a member."""
    return _SHORT.pack(_VERSION) + _parts(parts) + _INT.pack(-1)


def assigned_of(data: bytes) -> list[Part]:
    """The partitions in an assignment; none in an empty one. Raises ValueError on damage."""
    try:
        return _read_parts(data, 2)[0] if data else []
    except struct.error as error:
        raise ValueError(f"a damaged assignment: {error}") from error


def share(
    members: Mapping[str, Sequence[Part]], partitions: Mapping[str, int]
) -> dict[str, list[tuple[str, int]]]:
    """Which partitions each member gets, by what each had. `partitions`: how many every topic has.

    No two members differ by more than one number; a number stays where it was as far as that allows.
    """
    numbers = range(max(partitions.values(), default=0))
    names = sorted(members)
    fair, more = divmod(len(numbers), max(1, len(names)))
    had: dict[int, str] = {}
    for name in names:
        for _, number in members[name]:
            had.setdefault(number, name)
    given: dict[str, list[int]] = {name: [] for name in names}
    left = []
    for number in numbers:
        name = had.get(number, "")
        taken = given.get(name)
        if taken is not None and len(taken) < fair + (more > 0):
            more -= len(taken) == fair
            taken.append(number)
        else:
            left.append(number)
    for number in left:
        given[min(names, key=lambda each: (len(given[each]), each))].append(number)
    return {
        name: [(topic, n) for topic, count in sorted(partitions.items()) for n in sorted(own) if n < count]
        for name, own in given.items()
    }


def _text(text: str) -> bytes:
    data = text.encode()
    return _SHORT.pack(len(data)) + data


def _parts(parts: Sequence[Part]) -> bytes:
    topics: dict[str, list[int]] = {}
    for topic, partition in parts:
        topics.setdefault(topic, []).append(partition)
    out = _INT.pack(len(topics))
    for topic, numbers in topics.items():
        out += _text(topic) + _INT.pack(len(numbers)) + struct.pack(f">{len(numbers)}i", *numbers)
    return out


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    (size,) = _SHORT.unpack_from(data, at)
    end = at + 2 + size
    if size < 0 or end > len(data):
        raise ValueError("a name reaches past the end")
    return data[at + 2 : end].decode(), end


def _read_parts(data: bytes, at: int) -> tuple[list[Part], int]:
    (topics,) = _INT.unpack_from(data, at)
    at += 4
    found: list[Part] = []
    for _ in range(topics):
        topic, at = _read_text(data, at)
        (count,) = _INT.unpack_from(data, at)
        numbers = struct.unpack_from(f">{max(0, count)}i", data, at + 4)
        at += 4 + 4 * max(0, count)
        found += [(topic, number) for number in numbers]
    return found, at
