"""A broker of the simplest kind: answers every call at once, from memory, always the same way.

Groups have one member; member ids and producer ids are counted. What a test refuses stands in `refusing`.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from penstock import calls as c
from penstock.errors import Refusal, Refused
from penstock.record import place, scan

NO_TOPIC = Refused(Refusal.NO_TOPIC)


class FakeBroker:
    """Topics `name -> partitions`, each partition a list of (base offset, next offset, batch)."""

    def __init__(self, **topics: int) -> None:
        self.topics = {name: self._topic(name, count) for name, count in topics.items()}
        self.logs: dict[tuple[str, int], list[tuple[int, int, bytes]]] = defaultdict(list)
        self.committed: dict[tuple[str, str, int], c.OffsetCommit] = {}
        self.groups: dict[str, c.GroupInfo] = {}
        self.generations: dict[str, int] = defaultdict(int)
        self.refusing: dict[type[c.Call], object] = {}
        self.asked: list[c.Call] = []
        self.members = self.producers = 0

    @staticmethod
    def _topic(name: str, partitions: int, internal: bool = False) -> c.TopicInfo:
        return c.TopicInfo(name, name.encode().ljust(16, b"\1")[:16], partitions, internal)

    def answer(self, call: c.Call) -> Any:
        self.asked.append(call)
        if type(call) in self.refusing:
            return self.refusing[type(call)]
        answers: dict[type, Callable[[Any], Any]] = {
            c.Append: lambda q: [self._append(p) for p in q.parts],
            c.Fetch: lambda q: [self._fetch(p) for p in q.parts],
            c.ListOffsets: lambda q: [self._offset(p) for p in q.parts],
            c.DescribeTopics: self._describe,
            c.CreateTopics: lambda q: [self._create(t, q.check_only) for t in q.topics],
            c.DeleteTopics: self._delete,
            c.DescribeConfigs: lambda q: [self._configs(r) for r in q.resources],
            c.DescribeCluster: lambda q: c.ClusterInfo("a-cluster"),
            c.AskAccess: lambda q: [None] * len(q.names),
            c.CreatePartitions: lambda q: [self._more(m) for m in q.topics],
            c.AlterConfigs: lambda q: [
                None if r.kind == "topic" and r.name in self.topics else NO_TOPIC for r in q.resources
            ],
            c.DeleteRecords: lambda q: [
                p.offset if self._knows(p.topic, p.partition) else NO_TOPIC for p in q.parts
            ],
            c.FindEpochs: lambda q: [
                c.EpochEnd(0, self.end(p.topic, p.partition))
                if self._knows(p.topic, p.partition)
                else NO_TOPIC
                for p in q.parts
            ],
            c.DescribeStorage: lambda q: c.Storage("/data", (("t", 0, 10), ("t", 1, 20)), 1000, 400),
            c.DeleteOffsets: lambda q: [None if self._knows(*part) else NO_TOPIC for part in q.parts],
            c.InitProducer: self._init_producer,
            c.AddPartitions: lambda q: [None if self._knows(*part) else NO_TOPIC for part in q.parts],
            c.AddGroup: lambda q: None,
            c.CommitOffsetsLater: lambda q: [
                None if self._knows(p.topic, p.partition) else NO_TOPIC for p in q.commits
            ],
            c.EndTransaction: lambda q: None,
            c.DescribeTransactions: lambda q: [self._transaction(name) for name in q.transactional_ids],
            c.ListTransactions: lambda q: (self._transaction("mine"),),
            c.DescribeProducers: lambda q: [
                (c.ProducerInfo(7, 1, 41, 1000, 0, 12),) if self._knows(*part) else NO_TOPIC
                for part in q.parts
            ],
            c.JoinGroup: self._join,
            c.SyncGroup: self._sync,
            c.Heartbeat: lambda q: None,
            c.LeaveGroup: lambda q: [None for _ in q.members],
            c.CommitOffsets: self._commit,
            c.FetchOffsets: self._offsets,
            c.ListGroups: lambda q: tuple(self.groups.values()),
            c.DescribeGroups: lambda q: [self.groups.get(g, c.GroupInfo(g, "Dead", "")) for g in q.groups],
            c.DeleteGroups: self._delete_groups,
        }
        return answers[type(call)](call)

    # --- records -------------------------------------------------------------------------------------------------

    def _knows(self, topic: str, partition: int) -> bool:
        return topic in self.topics and 0 <= partition < self.topics[topic].partitions

    def end(self, topic: str, partition: int) -> int:
        log = self.logs[topic, partition]
        return log[-1][1] if log else 0

    def _append(self, part: c.AppendPart) -> object:
        if not self._knows(part.topic, part.partition):
            return NO_TOPIC
        base = at = self.end(part.topic, part.partition)
        batches = bytearray(part.batches)
        for info in scan(batches):
            place(batches, info.position, at)
            whole = bytes(batches[info.position : info.position + info.size])
            self.logs[part.topic, part.partition].append((at, at + info.count, whole))
            at += info.count
        return c.Appended(base)

    def _fetch(self, part: c.FetchPart) -> object:
        if not self._knows(part.topic, part.partition):
            return NO_TOPIC
        end = self.end(part.topic, part.partition)
        if not 0 <= part.offset <= end:
            return Refused(Refusal.OFFSET_OUT_OF_RANGE)
        found = b"".join(b for _, after, b in self.logs[part.topic, part.partition] if after > part.offset)
        return c.Fetched(memoryview(found), end, 0, end)

    def _offset(self, part: c.OffsetsPart) -> object:
        if not self._knows(part.topic, part.partition):
            return NO_TOPIC
        end = self.end(part.topic, part.partition)
        return c.FoundOffset(0 if part.timestamp_ms == c.EARLIEST else end, -1)

    def _init_producer(self, call: c.InitProducer) -> object:
        self.producers += 1
        return c.ProducerIdentity(self.producers, 0)

    @staticmethod
    def _transaction(name: str) -> object:
        if name != "mine":
            return Refused(Refusal.NO_TRANSACTIONAL_ID)
        return c.TransactionInfo("mine", "Ongoing", 7, 1, 60_000, 1_700_000_000_000, (("t", 0), ("t", 1)))

    # --- topics --------------------------------------------------------------------------------------------------

    def _describe(self, call: c.DescribeTopics) -> list[object]:
        if call.names is None and not call.topic_ids:
            return list(self.topics.values())
        by_id = {t.topic_id: t for t in self.topics.values()}
        if call.create:
            for name in call.names or ():
                self.topics.setdefault(name, self._topic(name, 1))
        named = [self.topics.get(name, NO_TOPIC) for name in call.names or ()]
        return [*named, *(by_id.get(i, NO_TOPIC) for i in call.topic_ids)]

    def _create(self, new: c.NewTopic, check_only: bool) -> object:
        if new.name in self.topics:
            return Refused(Refusal.TOPIC_EXISTS, new.name)
        made = self._topic(new.name, max(new.partitions, 1))
        if not check_only:
            self.topics[new.name] = made
        return made

    def _more(self, more: c.MorePartitions) -> object:
        if more.name not in self.topics:
            return NO_TOPIC
        self.topics[more.name] = self._topic(more.name, more.total)
        return self.topics[more.name]

    def _delete(self, call: c.DeleteTopics) -> list[object]:
        by_id = {t.topic_id: name for name, t in self.topics.items()}
        names = [*call.names, *(by_id.get(i, "") for i in call.topic_ids)]
        return [self.topics.pop(name, NO_TOPIC) for name in names]

    def _configs(self, resource: tuple[str, str, tuple[str, ...] | None]) -> object:
        kind, name, keys = resource
        if kind == "topic" and name not in self.topics:
            return NO_TOPIC
        entries = (
            c.ConfigEntry(
                "cleanup.policy", "delete", type=7, doc="how", below=("log.cleanup.policy", "delete", 5)
            ),
            c.ConfigEntry("pass", "x", sensitive=True),
        )
        return tuple(e for e in entries if keys is None or e.name in keys)

    # --- groups --------------------------------------------------------------------------------------------------

    def _join(self, call: c.JoinGroup) -> object:
        if call.require_known_member and not call.member_id:
            self.members += 1
            return Refused(Refusal.MEMBER_ID_REQUIRED, f"member-{self.members}")
        member_id = call.member_id
        if not member_id:
            self.members += 1
            member_id = f"member-{self.members}"
        name, metadata = call.protocols[0]
        member = c.GroupMember(
            member_id, call.instance_id, metadata, b"", call.principal.client_id, "127.0.0.1"
        )
        self.groups[call.group] = c.GroupInfo(call.group, "Stable", call.protocol_type, name, (member,))
        self.generations[call.group] += 1
        return c.Joined(
            self.generations[call.group], call.protocol_type, name, member_id, member_id, (member,)
        )

    def _sync(self, call: c.SyncGroup) -> object:
        share = dict(call.assignments).get(call.member_id, b"")
        group = self.groups.get(call.group)
        if group is None:
            return Refused(Refusal.UNKNOWN_MEMBER)
        return c.Synced(share, group.protocol_type, group.protocol)

    def _commit(self, call: c.CommitOffsets) -> list[object]:
        for one in call.commits:
            self.committed[call.group, one.topic, one.partition] = one
        return [None for _ in call.commits]

    def _offsets(self, call: c.FetchOffsets) -> list[object]:
        parts = call.parts
        if parts is None:
            parts = tuple((topic, index) for group, topic, index in self.committed if group == call.group)
        return [self.committed.get((call.group, t, p), c.OffsetCommit(t, p, -1)) for t, p in parts]

    def _delete_groups(self, call: c.DeleteGroups) -> list[object]:
        return [None if self.groups.pop(g, None) else Refused(Refusal.NO_GROUP) for g in call.groups]
