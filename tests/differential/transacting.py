"""What the scenarios of transactions are told with: a transactional producer's requests, and what readers see.

Answers are plain values; steps that a server is still finishing (CONCURRENT_TRANSACTIONS) are asked for again, as clients do.
"""

import time
from typing import Any

from penstock import record
from tests.differential.asking import Connection, described
from tests.differential.coverage import errors

CONCURRENT = 51


def over(answer: Any) -> bool:
    """Whether the step before is over: while it is under way, clients ask again."""
    return answer["error_code"] != CONCURRENT


class Producer:
    """A transactional producer's requests, one by one. `number` and `epoch` are what it was given last."""

    def __init__(self, c: Connection, name: str) -> None:
        self.c, self.name = c, name
        self.number, self.epoch, self.sequence = -1, -1, 0

    def init(
        self,
        timeout_ms: int = 60_000,
        number: int = -1,
        epoch: int = -1,
        version: int = 4,
        wait: bool = False,
    ) -> Any:
        """InitProducerId; the error and the epoch."""
        shown = {"producer_id": number, "producer_epoch": epoch} if version > 2 else {}
        answer = self.c.ask_until(
            lambda answer: not wait or answer["error_code"] != CONCURRENT,
            22, version, transactional_id=self.name, transaction_timeout=timeout_ms, **shown,
        )  # fmt: skip
        if answer["error_code"] == 0:
            self.number, self.epoch, self.sequence = answer["producer_id"], answer["producer_epoch"], 0
        return [answer["error_code"], answer["producer_epoch"]]

    def init_until_ready(self, **how: Any) -> Any:
        """As a client: again while the transaction before it is being ended."""
        return self.init(wait=True, **how)

    def who(self, **other: Any) -> dict[str, Any]:
        """The fields that name it."""
        named = {"transactional_id": self.name, "producer_id": self.number, "producer_epoch": self.epoch}
        return named | other

    def add(self, *parts: tuple[str, int], version: int = 3, wait: bool = True, **other: Any) -> Any:
        """AddPartitionsToTxn; (topic, partition, error) each."""
        topics = [{"name": topic, "partitions": [index]} for topic, index in parts]
        named = {f"v3_and_below_{field}": value for field, value in self.who(**other).items()}
        answer = self.c.ask_until(
            lambda answer: not wait or CONCURRENT not in errors(answer),
            24, version, v3_and_below_topics=topics, **named,
        )  # fmt: skip
        return sorted(
            (topic["name"], p["partition_index"], p["partition_error_code"])
            for topic in answer["results_by_topic_v3_and_below"]
            for p in topic["results_by_partition"]
        )

    def add_group(self, group: str, version: int = 3, **other: Any) -> Any:
        """AddOffsetsToTxn; the error."""
        return self.c.ask_until(over, 25, version, group_id=group, **self.who(**other))["error_code"]

    def send(self, topic: str, *values: bytes, version: int = 9, partition: int = 0, **other: Any) -> Any:
        """Produce; the error and the offset."""
        epoch, sequence = other.pop("epoch", self.epoch), other.pop("sequence", self.sequence)
        transactional = other.pop("transactional", True)
        records = [record.Record(None, value, 1_700_000_000_000) for value in values]
        batch = record.encode(
            records,
            producer_id=self.number,
            producer_epoch=epoch,
            base_sequence=sequence,
            transactional=transactional,
        )
        name = other.pop("name", self.name)
        data = [{"name": topic, "partition_data": [{"index": partition, "records": batch}]}]
        answer = self.c.ask(0, version, transactional_id=name, acks=-1, timeout=5000, topic_data=data)
        part = answer["responses"][0]["partition_responses"][0]
        if part["error_code"] == 0:
            self.sequence = sequence + len(values)
        return [part["error_code"], part["base_offset"]]

    def commit_offset(
        self, topic: str, offset: int, version: int = 3, partition: int = 0, **other: Any
    ) -> Any:
        """TxnOffsetCommit; the error."""
        part = {
            "partition_index": partition, "committed_offset": offset, "committed_metadata": "",
        } | ({"committed_leader_epoch": -1} if version > 1 else {})  # fmt: skip
        place = {"generation_id": -1, "member_id": "", "group_instance_id": None} if version > 2 else {}
        group = {"group_id": other.pop("group_id", self.name)}
        answer = self.c.ask(
            28, version, topics=[{"name": topic, "partitions": [part]}], **(self.who(**other) | place | group)
        )
        return answer["topics"][0]["partitions"][0]["error_code"]

    def end(self, commit: bool, version: int = 3, **other: Any) -> Any:
        """EndTxn; the error, once the last step is over."""
        return self.c.ask_until(over, 26, version, committed=commit, **self.who(**other))["error_code"]

    def state(self) -> Any:
        """DescribeTransactions of it, once no step is under way."""
        if self.c.listener is not None:
            self.c.listener.transaction(self.name)
        found = described(self.c, self.name)[0]
        assert found.pop("producer_id") in (self.number, 0, -1)
        return found


def fetch(
    c: Connection, topic: str, offset: int = 0, committed: bool = True, max_bytes: int = 1 << 20
) -> Any:
    """Fetch v11; watermarks, aborted transactions without their producers, and (offset, value, control) of the records.

    Goes on to the end: Kafka's answers may stop before the last batch, and bring it when they are asked for it alone.
    """
    records: list[Any] = []
    aborted: set[int] | None = set() if committed else None
    while True:
        part = _fetch(c, topic, offset, committed, max_bytes)
        data = part["records"] or b""
        if aborted is not None:
            aborted |= {one["first_offset"] for one in part["aborted_transactions"] or ()}
        new = [
            (one.offset, one.value if not info.control else one.key, info.control)
            for info in record.scan(data)
            for one in record.decode(data[info.position : info.position + info.size])
        ]
        records += new
        offset = new[-1][0] + 1 if new else offset
        end = part["last_stable_offset"] if committed else part["high_watermark"]
        if not new or offset >= end or max_bytes < 1000:
            found = None if aborted is None else sorted(aborted)
            return [part["error_code"], part["high_watermark"], part["last_stable_offset"], found, records]


def _fetch(c: Connection, topic: str, offset: int, committed: bool, max_bytes: int) -> Any:
    parts = [
        {"partition": 0, "fetch_offset": offset, "partition_max_bytes": max_bytes, "current_leader_epoch": -1}
    ]
    answer = c.ask(
        1, 11, replica_id=-1, max_wait=50, min_bytes=1, max_bytes=max_bytes, isolation_level=int(committed), session_id=0,
        session_epoch=-1, topics=[{"topic": topic, "partitions": parts}], forgotten_topics_data=[], rack_id="",
    )  # fmt: skip
    return answer["responses"][0]["partitions"][0]


def settled(c: Connection, topic: str, stable: int, **how: Any) -> Any:
    """A fetch of what is committed, once the last stable offset is there: markers are written after EndTxn's answer."""
    for _ in range(400):
        with c.quiet():
            found = fetch(c, topic, **how)
        if found[2] >= stable:
            return fetch(c, topic, **how)  # the one before may have been read while the offset moved
        time.sleep(0.05)
    raise AssertionError(f"the last stable offset is not moved to {stable}: {fetch(c, topic, **how)}")


def latest(c: Connection, topic: str) -> Any:
    """ListOffsets of the end, for both isolation levels, and by time."""
    found = []
    for level, at_ms in ((0, -1), (1, -1), (1, 0), (1, -3), (0, -3)):
        parts = [{"partition_index": 0, "current_leader_epoch": -1, "timestamp": at_ms}]
        answer = c.ask(
            2, 7, replica_id=-1, isolation_level=level, topics=[{"name": topic, "partitions": parts}]
        )
        part = answer["topics"][0]["partitions"][0]
        found.append([part["error_code"], part["offset"]])
    return found


def committed_offset(c: Connection, group: str, stable: bool) -> Any:
    """OffsetFetch v7 of partition 0 of the topic with the group's name."""
    answer = c.ask(
        9, 7, group_id=group, topics=[{"name": group, "partition_indexes": [0, 1]}], require_stable=stable
    )
    return [[p["committed_offset"], p["error_code"]] for t in answer["topics"] for p in t["partitions"]] + [
        answer["error_code"]
    ]
