"""DescribeCluster: the cluster's id and its one node.

0: first, flexible from the start; 1: brokers or controllers (KIP-919).
"""

from typing import Final

from kio.schema.errors import ErrorCode

from penstock.calls import DescribeCluster
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import NODE_ID, Request, Steps, api

BROKERS: Final = 1
CONTROLLERS: Final = 2


@api(key=60, versions=(0, 1))
def describe_cluster(request: Request) -> Steps:
    """This node, which is its own controller."""
    endpoints = request.get("endpoint_type", BROKERS)
    if endpoints != BROKERS:
        return _wrong_endpoints(endpoints)
    result = yield DescribeCluster(request.principal)
    if isinstance(result, Refused):
        return {"error_code": code(DescribeCluster, result), "error_message": text(result)}
    host, port = request.node
    return {
        "cluster_id": result.cluster_id,
        "controller_id": NODE_ID,
        "brokers": [{"broker_id": NODE_ID, "host": host, "port": port}],
    }


def _wrong_endpoints(endpoints: int) -> Row:
    known = endpoints == CONTROLLERS
    error = ErrorCode.mismatched_endpoint_type if known else ErrorCode.unsupported_endpoint_type
    return {"error_code": error, "error_message": "this listener is a broker's", "endpoint_type": endpoints}
