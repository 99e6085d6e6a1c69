"""Transactional producers for tests: each begins, writes and ends in a line; and what readers of committed records see."""

from typing import Any

from penstock import record
from penstock.calls import (
    AddGroup,
    AddPartitions,
    Append,
    AppendPart,
    CommitOffsetsLater,
    EndTransaction,
    Fetch,
    FetchPart,
    InitProducer,
    OffsetCommit,
    ProducerIdentity,
)
from penstock.errors import Refused

from .bench import ME, Table, batch_of


class Writer:
    """One transactional producer. Answers are settled: the disk is synced first."""

    def __init__(self, table: Table, name: str = "w") -> None:
        self.table, self.name = table, name
        self.identity, self.sequences = (-1, -1), dict[tuple[str, int], int]()

    def init(self, timeout_ms: int = 60_000, shown: tuple[int, int] = (-1, -1)) -> Any:
        answer = self.table.settled(InitProducer(ME, self.name, timeout_ms, *shown))
        if isinstance(answer, ProducerIdentity):
            self.identity, self.sequences = (answer.producer_id, answer.producer_epoch), {}
        return answer

    def add(self, *parts: tuple[str, int]) -> Any:
        return self.table.settled(AddPartitions(ME, self.name, *self.identity, parts))

    def add_group(self, group: str) -> Any:
        return self.table.settled(AddGroup(ME, self.name, *self.identity, group))

    def send(self, topic: str, *values: bytes, partition: int = 0, **batch: Any) -> Any:
        sequence = self.sequences.get((topic, partition), 0)
        marks = {
            "producer_id": self.identity[0],
            "producer_epoch": self.identity[1],
            "base_sequence": sequence,
        }
        packed = batch_of(*values, **({"transactional": True} | marks | batch))
        answer = self.table.settled(
            Append(ME, (AppendPart(topic, partition, packed),), -1, 30_000, self.name)
        )
        if not isinstance(answer[0], Refused):
            self.sequences[topic, partition] = sequence + len(values)
        return answer[0]

    def commit_offset(self, group: str, topic: str, offset: int, partition: int = 0) -> Any:
        commits = (OffsetCommit(topic, partition, offset),)
        call = CommitOffsetsLater(ME, self.name, *self.identity, group, "", None, -1, commits)
        return self.table.settled(call)[0]

    def end(self, commit: bool = True) -> Any:
        return self.table.settled(EndTransaction(ME, self.name, *self.identity, commit))


def committed(table: Table, topic: str = "t", partition: int = 0, bytes_max: int = 1 << 20) -> list[bytes]:
    """The values that a reader of committed records sees, filtered as Kafka's clients do."""
    return [value for _, value in read_committed(table, topic, partition, bytes_max)]


def read_committed(
    table: Table, topic: str = "t", partition: int = 0, bytes_max: int = 1 << 20, offset: int = 0
) -> list[tuple[int, bytes]]:
    """As `committed`, each with its offset; fetches of at most `bytes_max`."""
    found: list[tuple[int, bytes]] = []
    while True:
        call = Fetch(ME, (FetchPart(topic, partition, offset, bytes_max),), wait_ms=0, committed_only=True)
        answer = table.ask(call)[0]
        if not answer.batches:
            assert offset >= answer.stable_offset
            return found
        waiting, aborted = sorted(answer.aborted, key=lambda each: each[1]), set[int]()
        for info in record.scan(answer.batches):
            while waiting and waiting[0][1] <= info.last_offset:
                aborted.add(waiting.pop(0)[0])
            batch = bytes(answer.batches[info.position : info.position + info.size])
            if info.control:
                (marker,) = record.decode(batch)
                if marker.key == b"\0\0\0\0":
                    aborted.discard(info.producer_id)
            elif not (info.transactional and info.producer_id in aborted):
                found += [
                    (one.offset, one.value or b"") for one in record.decode(batch) if one.offset >= offset
                ]
            offset = info.last_offset + 1
