"""Many messages that wait: what they weigh in memory, and how soon a killed server has them again."""

import time

from bench.amqp.load import Kind, publish
from bench.amqp.peer import Peer
from bench.amqp.sides import Side

QUEUE = "waiting"
SIZE = 256
IDLE_S = 3.0


def waiting(side: Side, count: int, most_s: float) -> dict[str, float]:
    """Fill a durable queue, weigh, kill, start. Raises RuntimeError where a confirmed message is not there again."""
    before_mb = side.memory_mb()
    filled = int(publish(side, Kind(QUEUE, SIZE, varied=True), 10, count, most_s)["count"])
    time.sleep(IDLE_S)
    full_mb = side.memory_mb()
    side.kill()
    side.start()
    begun_s = time.monotonic()
    found = _count(side)
    answered_s = time.monotonic() - begun_s
    if found < filled:
        raise RuntimeError(f"{filled} messages were confirmed, {found} are there")
    return {
        "messages": filled,
        "full_mb": full_mb,
        "bytes_each": (full_mb - before_mb) * 1e6 / filled,
        "restart_s": side.start_s + answered_s,
        "restarted_mb": side.memory_mb(),
    }


def _count(side: Side) -> int:
    peer = Peer(side.address)
    try:
        return peer.declare(QUEUE, passive=True)
    finally:
        peer.close()
