"""Metadata: the node, the topics and their partitions.

0: no topics means all; 1: null means all and an empty list none, controller; 2: cluster id; 4: auto-creation is asked
for; 5: offline replicas; 7: leader epoch; 8: authorised operations (not given: INT32_MIN); 9: flexible; 10: topic ids
are told; 12: and may be asked by.
"""

from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import DescribeCluster, DescribeTopics, TopicInfo
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import NODE_ID, Request, Steps, api, each

NULL_MEANS_ALL: Final = 1
ASKED_BY_ID: Final = 12


@api(key=3, versions=(0, 12))
def metadata(request: Request) -> Steps:
    """This node is the controller and leads every partition."""
    cluster = yield DescribeCluster(request.principal)
    host, port = request.node
    return {
        "brokers": [{"node_id": NODE_ID, "host": host, "port": port}],
        "cluster_id": None if isinstance(cluster, Refused) else cluster.cluster_id,
        "controller_id": NODE_ID,
        "topics": (yield from _topics(request)),
    }


def _topics(request: Request) -> Any:
    topics = request.message.topics
    if topics is None or (not topics and request.version < NULL_MEANS_ALL):
        found = yield DescribeTopics(request.principal, None)
        return [] if isinstance(found, Refused) else [_topic_row(info) for info in found]
    ids = list(dict.fromkeys(t.topic_id.bytes for t in topics if request.version >= 10 and t.topic_id))
    if (ids or any(t.name is None for t in topics)) and request.version < ASKED_BY_ID:
        return [_refused_row(t.name or "", _id_of(t), ErrorCode.invalid_request) for t in topics]
    if ids:
        found = each((yield DescribeTopics(request.principal, (), tuple(ids))), len(ids))
        return [_by_id(topic_id, result) for topic_id, result in zip(ids, found, strict=True)]
    names = tuple(dict.fromkeys(t.name for t in topics if t.name is not None))
    if not names:
        return []
    create = request.get("allow_auto_topic_creation", True)
    found = each((yield DescribeTopics(request.principal, names, (), create)), len(names))
    return [_by_name(name, result) for name, result in zip(names, found, strict=True)]


def _id_of(topic: Any) -> bytes:
    return topic.topic_id.bytes if topic.topic_id else bytes(16)


def _by_name(name: str, result: Any) -> Row:
    if isinstance(result, Refused):
        return _refused_row(name, bytes(16), code(DescribeTopics, result))
    return _topic_row(result)


def _by_id(topic_id: bytes, result: Any) -> Row:
    if not isinstance(result, Refused):
        return _topic_row(result)
    unknown = result.reason is Refusal.NO_TOPIC
    return _refused_row(
        None, topic_id, ErrorCode.unknown_topic_id if unknown else code(DescribeTopics, result)
    )


def _refused_row(name: str | None, topic_id: bytes, error: int) -> Row:
    return {"error_code": error, "name": name, "topic_id": topic_id, "partitions": ()}


def _topic_row(info: TopicInfo) -> Row:
    return {
        "name": info.name,
        "topic_id": info.topic_id,
        "is_internal": info.internal,
        "partitions": [_partition_row(index) for index in range(info.partitions)],
    }


def _partition_row(index: int) -> Row:
    return {
        "partition_index": index,
        "leader_id": NODE_ID,
        "leader_epoch": 0,
        "replica_nodes": (NODE_ID,),
        "isr_nodes": (NODE_ID,),
    }
