"""What a client may want of a Kafka, one function a row of the scorecard: it passes, fails with AssertionError or the
client's own error, or says NotOffered where the client has no such thing.

Each works with topics and groups named after itself and the client, so that rows do not meet.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.compatibility.clients.verbs import Client, Member, NotOffered, Place, Sent, until

Try = Callable[[Client, str], None]


@dataclass(frozen=True)
class Feature:
    """A row: `needs` names the place it wants (plain, or a listener with a login or TLS)."""

    name: str
    tried: Try
    needs: str = "plain"


FEATURES: list[Feature] = []


def feature(name: str, needs: str = "plain") -> Callable[[Try], Try]:
    """Registers a function as a row of this name, in the order of the file."""

    def register(tried: Try) -> Try:
        FEATURES.append(Feature(name, tried, needs))
        return tried

    return register


def some(count: int, **more: object) -> list[Sent]:
    return [Sent(f"value-{n}".encode(), f"key-{n}".encode(), **more) for n in range(count)]  # type: ignore[arg-type]


def made(client: Client, name: str, partitions: int = 1, **configs: str) -> str:
    """A topic, by the client's admin or, where it has none, by librdkafka's."""
    from tests.compatibility.clients.confluent import Confluent

    maker = client if type(client).create is not Client.create else Confluent(client.place)
    maker.create(name, partitions, {key.replace("_", "."): value for key, value in configs.items()})
    return name


def fill(client: Client, topic: str, partitions: int, each: int, word: str = "value") -> set[bytes]:
    """Records over all partitions; their values."""
    values = {f"{word}-{part}-{n}".encode(): part for part in range(partitions) for n in range(each)}
    for part in range(partitions):
        client.produce(topic, [Sent(value, partition=part) for value, at in values.items() if at == part])
    return set(values)


# --- records ------------------------------------------------------------------------------------------------------


def a_codec(codec: str) -> None:
    @feature(f"produce and consume, {codec}")
    def tried(client: Client, name: str) -> None:
        made(client, name)
        client.produce(name, some(20), codec=codec)
        seen = client.read(name, 20)
        assert [(s.key, s.value) for s in seen] == [(r.key, r.value) for r in some(20)]
        assert [s.offset for s in seen] == list(range(20))


for each in ("none", "gzip", "snappy", "lz4", "zstd"):
    a_codec(each)


@feature("consume from an offset")
def from_an_offset(client: Client, name: str) -> None:
    made(client, name)
    client.produce(name, some(30))
    assert [s.value for s in client.read(name, 10, start=20)] == [r.value for r in some(30)[20:]]


@feature("headers")
def headers(client: Client, name: str) -> None:
    made(client, name)
    given = (("from", b"here"), ("from", b"twice"), ("empty", b""))
    client.produce(name, some(2, headers=given))
    assert [s.headers for s in client.read(name, 2)] == [given, given]


@feature("empty and null keys and values")
def empty_and_null(client: Client, name: str) -> None:
    made(client, name)
    pairs = [(None, b"v"), (b"", b"v"), (b"k", None), (b"k", b"")]
    client.produce(name, [Sent(value, key) for key, value in pairs])
    assert [(s.key, s.value) for s in client.read(name, len(pairs))] == pairs


@feature("timestamps of the producer")
def timestamps(client: Client, name: str) -> None:
    made(client, name)
    times = [1_700_000_000_000, 1_700_000_009_000, 1_700_000_004_000]
    client.produce(name, [Sent(b"x", at_ms=at) for at in times])
    assert [s.at_ms for s in client.read(name, 3)] == times


@feature("timestamps of the log (LogAppendTime)")
def append_times(client: Client, name: str) -> None:
    made(client, name, message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    client.produce(name, some(3))
    assert all(before - 1 <= s.at_ms <= int(time.time() * 1000) + 1 for s in client.read(name, 3))


@feature("messages of 2 MB")
def large_messages(client: Client, name: str) -> None:
    made(client, name, max_message_bytes=str(4 << 20))
    large = os.urandom(1 << 20).hex().encode()
    client.produce(name, [Sent(large), Sent(b"small")])
    assert [s.value for s in client.read(name, 2)] == [large, b"small"]


@feature("idempotent producer")
def idempotent(client: Client, name: str) -> None:
    made(client, name)
    client.produce(name, some(50), idempotent=True)
    client.produce(name, some(50), codec="lz4", idempotent=True)
    assert [s.value for s in client.read(name, 100)] == [r.value for r in some(50)] * 2


@feature("offsets by time")
def by_time(client: Client, name: str) -> None:
    made(client, name)
    try:
        client.produce(name, [Sent(b"x", at_ms=1_700_000_000_000 + n * 1000) for n in range(10)])
        assert client.offset_at(name, 1_700_000_004_500) == 5
        assert client.offset_at(name, 1_700_000_000_000) == 0
    except NotOffered:
        client.produce(name, some(10))
        client.offset_at(name, -1)
    assert (client.offset_at(name, -1), client.offset_at(name, -2)) == (0, 10)


# --- groups -------------------------------------------------------------------------------------------------------


def share(members: list[Member], partitions: int) -> bool:
    """All have some, together all, none twice."""
    parts = [member.assigned() for member in members]
    together = [part for each in parts for part in each]
    return all(parts) and sorted(together) == list(range(partitions))


def all_seen(members: list[Member], values: set[bytes]) -> bool:
    return values <= {value for member in members for value in member.seen()}


def rebalanced(client: Client, name: str, strategy: str) -> None:
    """Three join, one by one; then two leave; what is written at each stage is read."""
    made(client, name, 4)
    members = [client.member(name, name, strategy)]
    try:
        until(lambda: share(members, 4), "the first assignment")
        values = fill(client, name, 4, 5, "one")
        until(lambda: all_seen(members, values), "what was written for one member")
        members += [client.member(name, name, strategy), client.member(name, name, strategy)]
        until(lambda: share(members, 4), "an assignment for three")
        more = fill(client, name, 4, 5, "three")
        until(lambda: all_seen(members, more), "what was written for three members")
        gone = [members.pop(0), members.pop(0)]
        for member in gone:
            member.close()
        until(lambda: share(members, 4), "the assignment of the last")
        last = fill(client, name, 4, 5, "last")
        until(lambda: all_seen(members, last), "what was written for the last member")
        seen = [value for member in (*gone, *members) for value in member.seen()]
        assert values | more | last <= set(seen)
    finally:
        for member in members:
            member.close()


def a_strategy(strategy: str) -> None:
    @feature(f"group of three, joining and leaving, {strategy}")
    def tried(client: Client, name: str) -> None:
        rebalanced(client, name, strategy)


for each in ("range", "sticky", "cooperative-sticky"):
    a_strategy(each)


@feature("group goes on where it committed")
def goes_on(client: Client, name: str) -> None:
    made(client, name)
    for stage in ("first", "second"):
        values = fill(client, name, 1, 10, stage)
        member = client.member(name, name)
        until(lambda m=member, v=values: all_seen([m], v), "what was written")
        member.close()
        assert set(member.seen()) == values, "it began anew"


@feature("static members keep their partitions")
def static_members(client: Client, name: str) -> None:
    made(client, name, 4)
    members = [client.member(name, name, instance=f"{name}-{n}") for n in range(2)]
    try:
        until(lambda: share(members, 4), "an assignment for two")
        before = members[1].assigned()
        members[1].close()
        members[1] = client.member(name, name, instance=f"{name}-1")
        until(members[1].assigned, "the assignment of the one that came back")
        assert members[1].assigned() == before
        values = fill(client, name, 4, 3)
        until(lambda: all_seen(members, values), "what was written")
    finally:
        for member in members:
            member.close()


# --- transactions -------------------------------------------------------------------------------------------------


@feature("transactions, read_committed")
def transactions(client: Client, name: str) -> None:
    made(client, name)
    client.transact(name, name, [Sent(b"aborted"), Sent(b"too")], commit=False)
    client.transact(name, name, [Sent(b"one"), Sent(b"two")], commit=True)
    assert [s.value for s in client.read(name, 2, committed=True)] == [b"one", b"two"]
    assert [s.value for s in client.read(name, 4)] == [b"aborted", b"too", b"one", b"two"]


@feature("offsets in a transaction")
def offsets_in_transactions(client: Client, name: str) -> None:
    made(client, name)
    client.produce(name, some(10))
    client.transact(name, name, [Sent(b"out")], commit=True, offsets=(name, name, 7))
    assert client.group_offset(name, name) == 7
    client.transact(name, name, [Sent(b"out")], commit=False, offsets=(name, name, 9))
    assert client.group_offset(name, name) == 7


@feature("a second transactional producer fences the first")
def fencing(client: Client, name: str) -> None:
    made(client, name)
    assert client.fenced(name, name)


# --- administration -----------------------------------------------------------------------------------------------


@feature("admin: create, describe, delete topics")
def topics(client: Client, name: str) -> None:
    client.create(name, 3, {"retention.ms": "3600000"})
    assert client.partitions(name) == 3
    client.delete(name)
    until(lambda: client.partitions(name) == 0, "the end of the topic")


@feature("admin: describe and alter configs")
def configs(client: Client, name: str) -> None:
    client.create(name, 1, {"retention.ms": "3600000"})
    assert client.configs(name)["retention.ms"] == "3600000"
    client.configure(name, {"retention.ms": "7200000"})
    until(lambda: client.configs(name)["retention.ms"] == "7200000", "the new setting")


@feature("admin: add partitions")
def growing(client: Client, name: str) -> None:
    client.create(name, 2)
    client.grow(name, 5)
    until(lambda: client.partitions(name) == 5, "the new partitions")


@feature("admin: delete records")
def deleting_records(client: Client, name: str) -> None:
    client.create(name)
    client.produce(name, some(10))
    assert client.delete_records(name, 6) == 6
    assert client.offset_at(name, -1) == 6
    assert [s.offset for s in client.read(name, 4, start=6)] == [6, 7, 8, 9]


@feature("admin: a group's offsets")
def group_offsets(client: Client, name: str) -> None:
    client.create(name)
    client.produce(name, some(10))
    client.set_group_offset(name, name, 4)
    assert client.group_offset(name, name) == 4
    member = client.member(name, name)
    until(lambda: len(member.seen()) == 6, "what follows the offset")
    member.close()


@feature("admin: list, describe, delete groups")
def groups(client: Client, name: str) -> None:
    made(client, name)
    assert client.group_state(name) == ""
    member = client.member(name, name)
    until(member.assigned, "the assignment")
    assert client.group_state(name) == "stable"
    member.close()
    until(lambda: client.group_state(name) == "empty", "the empty group")
    client.delete_group(name)
    assert client.group_state(name) == ""


@feature("compacted topics")
def compacted(client: Client, name: str) -> None:
    made(client, name, cleanup_policy="compact")
    for number in range(5):
        client.produce(name, [Sent(f"{number}".encode(), b"kept"), Sent(f"{number}".encode(), b"also")])
    seen = client.read(name, 10)
    assert [s.value for s in seen if s.key == b"kept"][-1] == b"4"
    try:
        client.produce(name, [Sent(b"no key")])
    except Exception as refused:
        assert not isinstance(refused, NotOffered), "unreachable"
        return
    assert client.name == "kcat", "a record without a key was taken"  # kcat cannot say what was refused


# --- logins -------------------------------------------------------------------------------------------------------


def a_listener(name: str, needs: str) -> None:
    @feature(name, needs)
    def tried(client: Client, name: str) -> None:
        made(client, name)
        client.produce(name, some(10))
        assert len(client.read(name, 10)) == 10
        member = client.member(name, name)
        until(lambda: len(member.seen()) == 10, "what was written")
        member.close()


a_listener("SASL PLAIN", "PLAIN")
a_listener("SASL SCRAM-SHA-256", "SCRAM-SHA-256")
a_listener("SASL SCRAM-SHA-512", "SCRAM-SHA-512")
a_listener("TLS", "TLS")
a_listener("TLS with SASL SCRAM-SHA-512", "TLS+SCRAM-SHA-512")

Places = dict[str, Place]
"""Where a server offers what a row needs; a row whose need is not there is not offered by the server."""
