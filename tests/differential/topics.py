"""Scenarios of what admins do with topics that live, and of compaction: what a client sees of it must be equal.

`topic` is a name of the scenario's own.
"""

import time
from collections import Counter
from typing import Any

from penstock import record
from penstock.record import Record
from tests.beside.running import Scenario
from tests.differential.asking import Connection, create, fetch, produce
from tests.differential.asking import batch as batch_of
from tests.differential.scenarios import join

CALM = 6
"""Answers, a tenth of a second apart, that must be the same."""
AT_MS = 1_700_000_000_000


def more(
    c: Connection, topic: str, count: int, check: bool = False, nodes: Any = None, version: int = 2
) -> Any:
    """CreatePartitions of one topic; its error."""
    assigned = None if nodes is None else [{"broker_ids": each} for each in nodes]
    topics = [{"name": topic, "count": count, "assignments": assigned}]
    return c.ask(37, version, topics=topics, timeout=5000, validate_only=check)["results"][0]["error_code"]


def partitions_of(c: Connection, topic: str) -> int:
    found = c.ask(3, 8, topics=[{"name": topic}], allow_auto_topic_creation=False)
    return len(found["topics"][0]["partitions"])


def partitions_are_added_and_never_taken_away(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    return [
        more(c, topic, 5, check=True), partitions_of(c, topic),
        more(c, topic, 3), more(c, topic, 3), more(c, topic, 2), more(c, topic, 0), more(c, topic, -1),
        more(c, f"{topic}-unknown", 3), more(c, topic, 4, nodes=[[1]], version=0), more(c, topic, 6, nodes=[[1]]),
        more(c, topic, 5, nodes=[[7]]), more(c, topic, 5, nodes=[[1, 1]]), more(c, topic, 5, nodes=[[]]),
        partitions_of(c, topic), produce(c, topic, batch_of(b"x"), partition=3),
    ]  # fmt: skip


def partitions_asked_for_twice_are_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    topics = [{"name": topic, "count": 2, "assignments": None}] * 2
    answer = c.ask(37, 3, topics=topics, timeout=5000, validate_only=False)
    return [[(r["name"], r["error_code"]) for r in answer["results"]], partitions_of(c, topic)]


SET, DELETE, APPEND, SUBTRACT = range(4)


def alter(
    c: Connection, name: str, *changes: tuple[str, int, str | None], kind: int = 2, check: bool = False
) -> Any:
    """IncrementalAlterConfigs of one resource; its error."""
    configs = [{"name": key, "config_operation": how, "value": value} for key, how, value in changes]
    resources = [{"resource_type": kind, "resource_name": name, "configs": configs}]
    return c.ask(44, 1, resources=resources, validate_only=check)["responses"][0]["error_code"]


def replace(c: Connection, name: str, kind: int = 2, check: bool = False, **configs: str | None) -> Any:
    """AlterConfigs of one resource; its error."""
    given = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    resources = [{"resource_type": kind, "resource_name": name, "configs": given}]
    return c.ask(33, 2, resources=resources, validate_only=check)["responses"][0]["error_code"]


def settings(c: Connection, topic: str, *keys: str) -> Any:
    """Values and sources, once they stay the same (Kafka's brokers hear of a change a moment later)."""
    resources = [{"resource_type": 2, "resource_name": topic, "configuration_keys": list(keys)}]
    seen: list[Any] = []
    while len(seen) < CALM or seen[-1] != seen[-CALM]:
        answer = c.ask(32, 3, resources=resources, include_synonyms=False, include_documentation=False)
        seen.append(
            sorted((f["name"], f["value"], f["config_source"]) for f in answer["results"][0]["configs"])
        )
        time.sleep(0.1)
    return seen[-1]


KEYS = ("retention.ms", "cleanup.policy", "min.cleanable.dirty.ratio")


def settings_are_changed_one_by_one(c: Connection, topic: str) -> Any:
    create(c, topic, retention_ms="1000")
    return [
        alter(c, topic, ("retention.ms", SET, "5000"), ("cleanup.policy", APPEND, "compact")),
        settings(c, topic, *KEYS),
        alter(c, topic, ("cleanup.policy", SUBTRACT, "delete"), ("min.cleanable.dirty.ratio", SET, "0.25")),
        settings(c, topic, *KEYS),
        alter(c, topic, ("retention.ms", DELETE, None), ("cleanup.policy", APPEND, "compact")),
        settings(c, topic, *KEYS),
        alter(c, topic, ("retention.ms", SET, "7"), check=True),
        alter(c, topic, ("segment.ms", DELETE, None)),
        alter(c, topic),
        settings(c, topic, *KEYS),
    ]


def wrong_changes_of_settings_are_refused(c: Connection, topic: str) -> Any:
    create(c, topic, retention_ms="1000")
    other = "no-such-topic"
    return [
        alter(c, topic, ("retention.ms", SET, "soon")),
        alter(c, topic, ("retention.ms", SET, "-2")),
        alter(c, topic, ("retention.ms", SET, None)),
        alter(c, topic, ("retention.ms", APPEND, "1")),
        alter(c, topic, ("no.such.setting", SET, "1")),
        alter(c, topic, ("no.such.setting", DELETE, None)),
        alter(c, topic, ("cleanup.policy", SET, "shred")),
        alter(c, topic, ("retention.ms", SET, "5"), ("retention.ms", DELETE, None)),
        alter(c, topic, ("retention.ms", SET, "5"), ("segment.ms", SET, "never")),
        alter(c, other, ("retention.ms", SET, "5")),
        alter(c, "bad name!", ("retention.ms", SET, "5")),
        alter(c, "1", ("log.dirs", SET, "/elsewhere"), kind=4),
        alter(c, "9", ("log.retention.ms", SET, "5"), kind=4),
        alter(c, "x", ("retention.ms", SET, "5"), kind=77),
        settings(c, topic, *KEYS),
    ]


def limits_of_settings_are_kafkas(c: Connection, topic: str) -> Any:
    create(c, topic)
    tried = {
        "segment.bytes": ("1048575", "1048576", "14"),
        "segment.ms": ("0", "1"),
        "max.message.bytes": ("-1", "0"),
        "delete.retention.ms": ("-1", "0"),
        "min.compaction.lag.ms": ("-1", "0"),
        "max.compaction.lag.ms": ("0", "1"),
        "min.cleanable.dirty.ratio": ("-0.1", "1.1", "1"),
        "compression.type": ("brotli", "zstd"),
        "message.timestamp.type": ("Never", "LogAppendTime"),
        "retention.bytes": ("-2", "-1"),
        "index.interval.bytes": ("-1", "0"),
        "segment.index.bytes": ("3", "4"),
        "cleanup.policy": ("", "compact,delete", "delete,delete"),
        "compression.gzip.level": ("10", "1", "-1", "0"),
        "compression.lz4.level": ("0", "18", "17"),
        "segment.jitter.ms": ("-1", "0"),
        "file.delete.delay.ms": ("-1", "0"),
        "flush.messages": ("0", "1"),
        "flush.ms": ("-1", "0"),
    }
    return [
        (key, value, alter(c, topic, (key, SET, value), check=True)) for key in tried for value in tried[key]
    ]


def settings_are_replaced_as_a_whole(c: Connection, topic: str) -> Any:
    create(c, topic, retention_ms="1000", cleanup_policy="compact")
    return [
        replace(c, topic, min_cleanable_dirty_ratio="0.3"), settings(c, topic, *KEYS),
        replace(c, topic, retention_ms="5", check=True), replace(c, topic, retention_ms="soon"),
        replace(c, topic, nonsense="1"), replace(c, topic, retention_ms=None), replace(c, "no-such-topic", retention_ms="1"),
        replace(c, topic), settings(c, topic, *KEYS),
    ]  # fmt: skip


def a_resource_named_twice_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    configs = [{"name": "retention.ms", "config_operation": SET, "value": "5"}]
    resources = [{"resource_type": 2, "resource_name": topic, "configs": configs}] * 2
    answer = c.ask(44, 1, resources=resources, validate_only=False)
    return [
        sorted((r["resource_name"], r["error_code"]) for r in answer["responses"]),
        settings(c, topic, *KEYS),
    ]


def changed_settings_hold_at_once(c: Connection, topic: str) -> Any:
    create(c, topic)
    seen = [produce(c, topic, batch_of(b"x" * 500))]
    alter(c, topic, ("max.message.bytes", SET, "200"))
    time.sleep(0.8)
    seen += [produce(c, topic, batch_of(b"x" * 500)), produce(c, topic, batch_of(b"y"))]
    alter(c, topic, ("max.message.bytes", DELETE, None), ("cleanup.policy", SET, "compact"))
    time.sleep(0.8)
    return [*seen, produce(c, topic, batch_of(b"no key"))["error_code"], fetch(c, topic, 0)]


def delete_records(c: Connection, *parts: tuple[str, int, int]) -> Any:
    """DeleteRecords; (topic, partition, low watermark, error) each."""
    topics = [{"name": t, "partitions": [{"partition_index": p, "offset": o}]} for t, p, o in parts]
    answer = c.ask(21, 2, topics=topics, timeout=5000)
    return sorted(
        (topic["name"], p["partition_index"], p["low_watermark"], p["error_code"])
        for topic in answer["topics"]
        for p in topic["partitions"]
    )


def records_are_deleted_up_to_an_offset(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    create(c, f"{topic}-k", cleanup_policy="compact")
    create(c, f"{topic}-b", cleanup_policy="compact,delete")
    produce(c, topic, batch_of(b"a", b"b", b"c"))
    produce(c, topic, batch_of(b"d", b"e"))
    part = {"partition_index": 0, "current_leader_epoch": -1, "timestamp": -2}
    earliest = {"replica_id": -1, "isolation_level": 0, "topics": [{"name": topic, "partitions": [part]}]}
    return [
        delete_records(c, (topic, 0, 0)), delete_records(c, (topic, 0, 2)), fetch(c, topic, 2), fetch(c, topic, 1),
        c.ask(2, 5, **earliest), delete_records(c, (topic, 0, 1)), delete_records(c, (topic, 0, 6)),
        delete_records(c, (topic, 0, -2)), delete_records(c, (topic, 0, -1)), c.ask(2, 5, **earliest),
        delete_records(c, (topic, 7, 0)), delete_records(c, (f"{topic}-unknown", 0, 0)),
        delete_records(c, (f"{topic}-k", 0, 0)), delete_records(c, (f"{topic}-b", 0, -1)),
        delete_records(c, (topic, 1, -1), ("no-such-topic", 0, 3)), produce(c, topic, batch_of(b"f")), fetch(c, topic, 5),
    ]  # fmt: skip


def the_leaders_epoch_never_changed(c: Connection, topic: str) -> Any:
    create(c, topic)

    def ask(epoch: int, current: int = -1, name: str = topic, partition: int = 0) -> Any:
        part = {"partition": partition, "leader_epoch": epoch, "current_leader_epoch": current}
        asked = [{"topic": name, "partitions": [part]}]
        # The answer's epochs are what this is about, so they are not left out as elsewhere.
        (topic_,) = c.ask_whole(23, 4, replica_id=-1, topics=asked).topics
        (found,) = topic_.partitions
        return [int(found.error_code), found.leader_epoch, found.end_offset]

    empty = ask(0)
    produce(c, topic, batch_of(b"a", b"b", b"c"))
    return [
        empty, ask(0), ask(1), ask(-1), ask(0, current=0), ask(0, current=1), ask(5, current=0),
        ask(0, partition=9), ask(0, name="no-such-topic"),
    ]  # fmt: skip


def log_dirs_tell_how_large_partitions_are(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    produce(c, topic, batch_of(b"a" * 100))
    asked = [{"topic": topic, "partitions": [0, 1, 9]}, {"topic": "no-such-topic", "partitions": [0]}]
    answers = [c.ask(35, version, topics=asked) for version in (1, 4)]
    for answer in answers:
        for result in answer["results"]:
            assert result.pop("log_dir").startswith("/")
            assert result.get("total_bytes", 1) >= result.get("usable_bytes", 1) > 0
            result.pop("total_bytes", None), result.pop("usable_bytes", None)
            for found in result["topics"]:
                found["partitions"].sort(key=lambda part: part["partition_index"])
    every = c.ask(35, 4, topics=None)["results"]
    names = {found["name"] for result in every for found in result["topics"]}
    return [answers, topic in names]


def committed_offsets_are_deleted(c: Connection, group: str) -> Any:
    create(c, group, 2)
    create(c, f"{group}-other")
    with c.quiet():
        while partitions_of(c, f"{group}-other") != 1:  # Kafka's coordinator hears of a topic a moment later
            time.sleep(0.05)
    time.sleep(0.2)
    parts = [
        {"partition_index": index, "committed_offset": 4, "committed_leader_epoch": -1} for index in (0, 1)
    ]
    who = {"group_id": group, "member_id": "", "generation_id_or_member_epoch": -1, "group_instance_id": None}
    topics = [{"name": group, "partitions": parts}, {"name": f"{group}-other", "partitions": parts[:1]}]
    c.ask(8, 7, topics=topics, **who)

    def delete(of: str, *wanted: tuple[str, int]) -> Any:
        asked = [{"name": topic, "partitions": [{"partition_index": index}]} for topic, index in wanted]
        return c.ask(47, 0, group_id=of, topics=asked)

    def left() -> Any:
        answer = c.ask(9, 7, group_id=group, topics=None, require_stable=False)
        return sorted((t["name"], p["partition_index"]) for t in answer["topics"] for p in t["partitions"])

    seen = [
        delete(f"{group}-unknown", (group, 0)), delete(group, (group, 9)), delete(group, ("no-such-topic", 0)),
        delete(group, (group, 0)), left(), delete(group, (group, 0)),
    ]  # fmt: skip
    subscription = (
        b"\0\1\0\0\0\1" + len(group).to_bytes(2, "big") + group.encode() + b"\xff\xff\xff\xff\0\0\0\0"
    )
    protocols = [{"name": "range", "metadata": subscription}]
    member = join(c, group, protocols=protocols)["member_id"]
    joined = join(c, group, member, protocols=protocols)
    given = [{"member_id": member, "assignment": b""}]
    synced = c.ask(
        14,
        3,
        group_id=group,
        member_id=member,
        generation_id=joined["generation_id"],
        group_instance_id=None,
        assignments=given,
    )
    seen += [synced["error_code"], delete(group, (group, 1)), delete(group, (f"{group}-other", 0)), left()]
    c.ask(13, 2, group_id=group, member_id=member)
    return [*seen, delete(group, (group, 1)), left()]


def no_leader_needs_to_be_elected(c: Connection, topic: str) -> Any:
    create(c, topic)

    def elect(*wanted: tuple[str, int]) -> Any:
        asked = [{"topic": name, "partitions": [index]} for name, index in wanted]
        answer = c.ask(43, 2, election_type=0, topic_partitions=asked, timeout=5000)
        return sorted(
            (t["topic"], p["partition_id"], p["error_code"])
            for t in answer["replica_election_results"]
            for p in t["partition_result"]
        )

    return [elect((topic, 0)), elect((topic, 9)), elect(("no-such-topic", 0))]


# --- compaction ----------------------------------------------------------------------------------------------------

CLEANED = {"cleanup_policy": "compact", "segment_ms": "100", "min_cleanable_dirty_ratio": "0.01"}


WRITES: Counter[tuple[str, str]] = Counter()


def begin(c: Connection, topic: str, **configs: str) -> None:
    WRITES[c.address, topic] = 0
    create(c, topic, **CLEANED, **configs)


def write(c: Connection, topic: str, *pairs: tuple[bytes | None, bytes | None], **how: int) -> Any:
    """One batch in a segment of its own: the segment's time is over when the next is written."""
    # Kafka's segments end by the time of records, ours by the clock's: both must go on.
    WRITES[c.address, topic] += 1
    at_ms = AT_MS + 1000 * WRITES[c.address, topic]
    records = [Record(key, value, at_ms + number) for number, (key, value) in enumerate(pairs)]
    time.sleep(0.15)
    return produce(c, topic, record.encode(records, **how))["error_code"]


def stored(c: Connection, topic: str) -> tuple[list[Any], list[Any]]:
    """Every batch's header and every record, read from the beginning as a consumer does."""
    offset, headers, records = 0, [], []
    while True:
        part = {
            "partition": 0,
            "fetch_offset": offset,
            "partition_max_bytes": 1 << 20,
            "current_leader_epoch": -1,
        }
        answer = c.ask(
            1, 11, replica_id=-1, max_wait=100, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0,
            session_epoch=-1, topics=[{"topic": topic, "partitions": [part]}], forgotten_topics_data=[], rack_id="",
        )  # fmt: skip
        data = answer["responses"][0]["partitions"][0]["records"] or b""
        found = list(record.scan(data))
        if not found:
            return headers, records
        headers += [
            (i.base_offset, i.last_offset_delta, i.count, i.attributes, i.producer_id >= 0, i.base_sequence)
            for i in found
        ]
        records += [(r.offset, r.key, r.value, r.timestamp_ms, r.headers) for r in record.decode(data)]
        offset = found[-1].last_offset + 1


def compacted(c: Connection, topic: str, count: int) -> Any:
    """What is stored once only `count` records are left."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        with c.quiet():
            found = stored(c, topic)
        if len(found[1]) <= count:
            return stored(c, topic)
        time.sleep(0.3)
    raise AssertionError(f"not compacted to {count} records: {stored(c, topic)}")


def of_each_key_the_newest_record_stays(c: Connection, topic: str) -> Any:
    begin(c, topic)
    write(c, topic, (b"a", b"1"), (b"b", b"1"), (b"a", b"2"))
    write(c, topic, (b"c", b"1" * 300), (b"c", b"2"), codec=4)
    write(c, topic, (b"b", b"2"), (b"d" * 40, b"1"))
    write(c, topic, (b"a", b"3"))
    write(c, topic, (b"last", b"."))
    return [compacted(c, topic, 5), fetch(c, topic, 1)]


def tombstones_stay_for_a_while_and_bear_their_time(c: Connection, topic: str) -> Any:
    begin(c, topic, delete_retention_ms="3600000")
    write(c, topic, (b"a", b"1"), (b"b", b"1"))
    write(c, topic, (b"a", None), (b"z", b"1"))
    write(c, topic, (b"last", b"."))
    return compacted(c, topic, 4)


def tombstones_go_when_their_time_is_over(c: Connection, topic: str) -> Any:
    begin(c, topic, delete_retention_ms="0")
    write(c, topic, (b"a", b"1"), (b"b", b"1"))
    write(c, topic, (b"a", None), (b"z", b"1"))
    write(c, topic, (b"last", b"."))
    compacted(c, topic, 4)
    write(c, topic, (b"last", b".."))
    write(c, topic, (b"last", b"..."))
    return compacted(c, topic, 4)


def a_producers_last_batch_stays_without_records(c: Connection, topic: str) -> Any:
    begin(c, topic)
    number = c.ask(
        22, 4, transactional_id=None, transaction_timeout=60_000, producer_id=-1, producer_epoch=-1
    )
    who = {"producer_id": number["producer_id"], "producer_epoch": 0}
    write(c, topic, (b"a", b"1"), base_sequence=0, **who)
    write(c, topic, (b"a", b"2"), (b"b", b"1"), base_sequence=1, **who)
    write(c, topic, (b"a", b"3"), (b"b", b"2"))
    write(c, topic, (b"last", b"."))
    headers, records = compacted(c, topic, 3)
    again = [
        write(c, topic, (b"a", b"2"), (b"b", b"1"), base_sequence=1, **who),
        write(c, topic, (b"a", b"4"), base_sequence=3, **who),
        write(c, topic, (b"a", b"5"), base_sequence=9, **who),
    ]
    return [headers, records, again]


def young_records_are_not_compacted(c: Connection, topic: str) -> Any:
    begin(c, topic, min_compaction_lag_ms="3600000")
    young = int(time.time() * 1000)
    for number in range(3):
        time.sleep(0.15)
        produce(c, topic, record.encode([Record(b"a", b"%d" % number, young + 200 * number)]))
    time.sleep(2.5)
    return [header[:4] for header in stored(c, topic)[0]]


TOPICS: tuple[Scenario, ...] = (
    partitions_are_added_and_never_taken_away,
    partitions_asked_for_twice_are_refused,
    settings_are_changed_one_by_one,
    wrong_changes_of_settings_are_refused,
    limits_of_settings_are_kafkas,
    settings_are_replaced_as_a_whole,
    a_resource_named_twice_is_refused,
    changed_settings_hold_at_once,
    records_are_deleted_up_to_an_offset,
    the_leaders_epoch_never_changed,
    log_dirs_tell_how_large_partitions_are,
    committed_offsets_are_deleted,
    no_leader_needs_to_be_elected,
    of_each_key_the_newest_record_stays,
    tombstones_stay_for_a_while_and_bear_their_time,
    tombstones_go_when_their_time_is_over,
    a_producers_last_batch_stays_without_records,
    young_records_are_not_compacted,
)
