"""Scenarios of transactional producers: each asks a server something and gives back all that a client could see.

`topic` is a name of the scenario's own, and serves as transactional id and group too.
"""

import time
from typing import Any

from penstock import record
from tests.beside.running import Scenario
from tests.differential.asking import Connection, create, described, produce
from tests.differential.transacting import (
    Producer,
    committed_offset,
    fetch,
    latest,
    settled,
)


def a_transactional_id_gets_one_epoch_after_the_other(c: Connection, topic: str) -> Any:
    one, other = Producer(c, topic), Producer(c, topic)
    return [one.init(), other.init(), one.number == other.number, one.init(version=1), one.state()]


def a_transactional_id_is_asked_for_wrongly(c: Connection, topic: str) -> Any:
    one = Producer(c, topic)
    return [
        Producer(c, "").init(), one.init(timeout_ms=0), one.init(timeout_ms=-5), one.init(timeout_ms=900_001),
        one.init(number=5), one.init(epoch=5), one.init(timeout_ms=900_000),
    ]  # fmt: skip


def a_producer_bumps_its_own_epoch(c: Connection, topic: str) -> Any:
    one = Producer(c, topic)
    first = one.init()
    number = one.number
    bumps = [one.init(number=number, epoch=epoch) for epoch in (0, 0, 1, 1, 0, 7)]
    fresh = one.init()
    return [
        first, bumps, fresh,
        [one.init(number=number, epoch=epoch) for epoch in (2, 1, 3)],
        one.init(number=number + 1_000_000, epoch=0), one.init(number=number, epoch=0, version=3),
    ]  # fmt: skip


def a_new_id_shows_an_identity_that_nobody_knows(c: Connection, topic: str) -> Any:
    return Producer(c, topic).init(number=123_456, epoch=3)


def committed_records_are_seen_with_their_marker(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    seen: list[Any] = [one.init(), one.add((topic, 0)), one.send(topic, b"a", b"b")]
    seen += [fetch(c, topic), fetch(c, topic, committed=False), latest(c, topic), one.state()]
    seen += [one.send(topic, b"c"), one.end(True), settled(c, topic, 4), latest(c, topic), one.state()]
    return [*seen, fetch(c, topic, offset=2), fetch(c, topic, committed=False)]


def aborted_records_are_listed(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    seen: list[Any] = [
        one.init(),
        one.add((topic, 0)),
        one.send(topic, b"a"),
        one.end(False),
        settled(c, topic, 2),
    ]
    seen += [one.add((topic, 0)), one.send(topic, b"b"), one.end(True), settled(c, topic, 4)]
    seen += [one.add((topic, 0)), one.send(topic, b"c"), one.end(False), settled(c, topic, 6)]
    return [*seen, fetch(c, topic, committed=False), fetch(c, topic, offset=2), fetch(c, topic, offset=4)]


def open_transactions_hold_back_what_stands_behind_them(c: Connection, topic: str) -> Any:
    create(c, topic)
    one, other = Producer(c, topic), Producer(c, f"{topic}-2")
    seen: list[Any] = [
        one.init(),
        other.init(),
        produce(c, topic, record.encode([record.Record(None, b"plain", 1)])),
    ]
    seen += [one.add((topic, 0)), one.send(topic, b"one"), other.add((topic, 0)), other.send(topic, b"other")]
    seen += [fetch(c, topic), other.end(True)]
    time.sleep(0.3)
    seen += [fetch(c, topic), one.send(topic, b"more"), one.end(False), settled(c, topic, 6)]
    return [*seen, latest(c, topic)]


def a_part_of_an_aborted_transaction_is_fetched(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    one.init()
    one.add((topic, 0))
    sent = [one.send(topic, b"x" * 100) for _ in range(5)]
    one.end(False)
    settled(c, topic, 6)
    return [sent, fetch(c, topic, max_bytes=300)]


def a_producer_that_was_taken_over_is_fenced(c: Connection, topic: str) -> Any:
    create(c, topic)
    old, new = Producer(c, topic), Producer(c, topic)
    seen: list[Any] = [old.init(), old.add((topic, 0)), old.send(topic, b"old"), new.init()]
    seen += [new.init_until_ready(), settled(c, topic, 2), new.state()]
    seen += [old.add((topic, 0), version=version) for version in (0, 1, 2, 3)]
    seen += [old.add_group(topic, version=version) for version in (0, 1, 2, 3)]
    seen += [old.end(commit, version=version) for commit in (True, False) for version in (0, 1, 2, 3)]
    seen += [old.send(topic, b"old", version=version) for version in (3, 9, 11)]
    seen += [new.add((topic, 0)), old.send(topic, b"old"), new.send(topic, b"new"), old.send(topic, b"old")]
    seen += [
        old.init_until_ready(number=old.number, epoch=0),
        old.init(number=old.number, epoch=0, version=3),
    ]
    return [*seen, new.end(True), settled(c, topic, 4)]


def requests_with_a_wrong_producer_id_are_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    one.init()
    wrong: list[dict[str, Any]] = [
        {"producer_id": one.number + 1_000_000}, {"producer_epoch": 5}, {"transactional_id": f"{topic}-unknown"},
        {"transactional_id": ""},
    ]  # fmt: skip
    return [
        [
            one.add((topic, 0), **each),
            one.add_group(topic, **each),
            one.end(True, **each),
            one.end(False, **each),
        ]
        for each in wrong
    ]


def records_outside_of_a_transaction_are_refused(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    one = Producer(c, topic)
    seen: list[Any] = [one.init()]
    seen += [one.send(topic, b"x", version=version) for version in (3, 8, 9, 10, 11)]
    seen += [one.add((topic, 0)), one.send(topic, b"x", partition=1), one.send(topic, b"x")]
    seen += [one.send(topic, b"x", name=None), one.send(topic, b"x", name=f"{topic}-unknown", partition=1)]
    seen += [
        one.send(topic, b"x", transactional=False),
        one.send(topic, b"x", epoch=5),
        one.send(topic, b"x", sequence=7),
    ]
    return [*seen, one.end(True), settled(c, topic, 2), one.send(topic, b"late")]


def sequences_go_on_from_transaction_to_transaction(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    seen: list[Any] = [
        one.init(),
        one.add((topic, 0)),
        one.send(topic, b"a"),
        one.send(topic, b"a", sequence=0),
    ]
    seen += [one.end(True), one.add((topic, 0)), one.send(topic, b"b", sequence=5)]
    seen += [one.send(topic, b"b", sequence=1), one.init(number=one.number, epoch=one.epoch)]
    seen += [
        one.init_until_ready(),
        one.add((topic, 0)),
        one.send(topic, b"c", sequence=3),
        one.send(topic, b"c", sequence=0),
    ]
    return [*seen, one.end(True), settled(c, topic, 6)]


def an_end_is_asked_for_in_every_state(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    seen: list[Any] = [one.init(), one.end(True), one.end(False)]
    seen += [one.add((topic, 0)), one.end(True), one.state(), one.end(True), one.end(False)]
    seen += [one.add((topic, 0)), one.end(False), one.state(), one.end(False), one.end(True)]
    return [*seen, settled(c, topic, 2)]


def partitions_are_added_wrongly(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    one = Producer(c, topic)
    seen: list[Any] = [one.add((topic, 0)), one.init(), one.add((topic, 7), (topic, 0)), one.state()]
    seen += [
        one.add((f"{topic}-unknown", 0), (topic, 1)),
        one.add((topic, 1), (topic, 0)),
        one.add((topic, 1)),
    ]
    return [*seen, one.state(), one.end(False), one.state()]


def offsets_hold_once_their_transaction_commits(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    one = Producer(c, topic)
    seen: list[Any] = [
        one.init(),
        one.commit_offset(topic, 1),
        one.add_group(topic),
        one.commit_offset(topic, 10),
    ]
    seen += [committed_offset(c, topic, stable) for stable in (False, True)]
    seen += [one.end(True)]
    return [*seen, stable_offset(c, topic), after_an_abort(c, topic, one)]


def stable_offset(c: Connection, group: str) -> Any:
    """The committed offset, once no transaction is about to move it."""
    for _ in range(200):
        with c.quiet():
            found = committed_offset(c, group, True)
        if not any(isinstance(part, list) and part[1] == 88 for part in found):
            return committed_offset(c, group, True)
        time.sleep(0.05)
    raise AssertionError("it never became stable")


def after_an_abort(c: Connection, topic: str, one: Producer) -> Any:
    seen: list[Any] = [
        one.add_group(topic),
        one.commit_offset(topic, 20),
        committed_offset(c, topic, True),
        one.end(False),
    ]
    return [*seen, stable_offset(c, topic), committed_offset(c, topic, False)]


def offsets_of_a_transaction_are_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    seen: list[Any] = [one.init()]
    seen += [one.commit_offset(topic, 1, version=version) for version in (0, 2, 3, 4)]
    seen += [
        one.add_group(topic),
        one.commit_offset(f"{topic}-unknown", 1),
        one.commit_offset(topic, 1, partition=9),
    ]
    seen += [one.commit_offset(topic, 1, version=version, producer_epoch=5) for version in (2, 3, 4)]
    seen += [
        one.commit_offset(topic, 1, producer_id=one.number + 1_000_000),
        one.commit_offset(topic, 1, group_id=""),
    ]
    return [*seen, one.commit_offset(topic, 5, version=0), one.end(True), stable_offset(c, topic)]


def a_later_commit_is_not_overtaken_by_a_transaction(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    one = Producer(c, topic)
    seen: list[Any] = [one.init(), one.add_group(topic), one.commit_offset(topic, 10)]
    part = {
        "partition_index": 0,
        "committed_offset": 3,
        "committed_leader_epoch": -1,
        "committed_metadata": "",
    }
    plain = c.ask(
        8, 7, group_id=topic, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None,
        topics=[{"name": topic, "partitions": [part]}],
    )  # fmt: skip
    seen += [plain["topics"][0]["partitions"][0]["error_code"], committed_offset(c, topic, False)]
    return [*seen, one.end(True), stable_offset(c, topic)]


def a_transaction_that_takes_too_long_is_aborted(c: Connection, topic: str) -> Any:
    create(c, topic)
    one = Producer(c, topic)
    seen: list[Any] = [one.init(timeout_ms=1000), one.add((topic, 0)), one.send(topic, b"slow")]
    seen += [settled(c, topic, 2), one.state(), one.end(True), one.add((topic, 0)), one.send(topic, b"late")]
    return [*seen, one.init(number=one.number, epoch=one.epoch), one.init()]


def transactional_ids_are_described_and_listed(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    one, other = Producer(c, topic), Producer(c, f"{topic}-2")
    one.init()
    one.add((topic, 0), (topic, 1))
    other.init()

    def listed(version: int = 1, **filters: Any) -> Any:
        nothing = {"state_filters": [], "producer_id_filters": []} | (
            {"duration_filter": -1} if version else {}
        )
        answer = c.ask(66, version, **(nothing | filters))
        names = sorted(
            (found["transactional_id"], found["transaction_state"])
            for found in answer["transaction_states"]
            if found["transactional_id"].startswith(topic)
        )
        return [answer["error_code"], sorted(answer["unknown_state_filters"]), names]

    states = described(c, topic, f"{topic}-2", f"{topic}-3", "")
    for each in states:
        each["ours"] = each.pop("producer_id") in (one.number, other.number)
    return [
        sorted(states, key=lambda each: each["name"]),
        listed(), listed(0), listed(state_filters=["Ongoing"]), listed(state_filters=["Ongoing", "Odd"]),
        listed(state_filters=["Odd"]), listed(producer_id_filters=[other.number]), listed(duration_filter=3_600_000),
        listed(state_filters=["empty"]), one.end(False),
    ]  # fmt: skip


def producers_of_a_partition_are_described(c: Connection, topic: str) -> Any:
    create(c, topic)
    one, other = Producer(c, topic), Producer(c, f"{topic}-2")
    one.init()
    other.init()
    produce(c, topic, record.encode([record.Record(None, b"plain", 1)]))

    def producers(name: str, index: int) -> Any:
        answer = c.ask(61, 0, topics=[{"name": name, "partition_indexes": [index]}])
        part = answer["topics"][0]["partitions"][0]
        for each in part["active_producers"]:
            each["producer_id"] = (one.number, other.number).index(each["producer_id"])
            each["last_timestamp"] = each["last_timestamp"] > 1_700_000_000_000
        part["active_producers"].sort(key=lambda each: each["producer_id"])
        return part

    seen: list[Any] = [
        producers(topic, 0),
        one.add((topic, 0)),
        one.send(topic, b"a", b"b"),
        producers(topic, 0),
    ]
    seen += [other.add((topic, 0)), other.send(topic, b"c"), one.end(True)]
    for _ in range(200):
        part = producers(topic, 0)
        if any(each["coordinator_epoch"] >= 0 for each in part["active_producers"]):
            break
        time.sleep(0.05)
    seen += [part, producers(topic, 9), producers(f"{topic}-unknown", 0)]
    return [*seen, other.end(False)]


def the_coordinator_of_a_transactional_id_is_found(c: Connection, topic: str) -> Any:
    found = [c.ask(10, version, key=topic, key_type=1) for version in (1, 2, 3)]
    found.append(c.ask(10, 4, key_type=1, coordinator_keys=[topic, f"{topic}-2"]))
    found.append(c.ask(10, 3, key=topic, key_type=9))
    for each in found:
        each.pop("node_id", None)
        for one in each.get("coordinators", ()):
            one.pop("node_id")
    return found


TRANSACTIONS: tuple[Scenario, ...] = (
    a_transactional_id_gets_one_epoch_after_the_other,
    a_transactional_id_is_asked_for_wrongly,
    a_producer_bumps_its_own_epoch,
    a_new_id_shows_an_identity_that_nobody_knows,
    committed_records_are_seen_with_their_marker,
    aborted_records_are_listed,
    open_transactions_hold_back_what_stands_behind_them,
    a_part_of_an_aborted_transaction_is_fetched,
    a_producer_that_was_taken_over_is_fenced,
    requests_with_a_wrong_producer_id_are_refused,
    records_outside_of_a_transaction_are_refused,
    sequences_go_on_from_transaction_to_transaction,
    an_end_is_asked_for_in_every_state,
    partitions_are_added_wrongly,
    offsets_hold_once_their_transaction_commits,
    offsets_of_a_transaction_are_refused,
    a_later_commit_is_not_overtaken_by_a_transaction,
    a_transaction_that_takes_too_long_is_aborted,
    transactional_ids_are_described_and_listed,
    producers_of_a_partition_are_described,
    the_coordinator_of_a_transactional_id_is_found,
)
