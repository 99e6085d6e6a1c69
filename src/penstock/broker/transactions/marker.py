"""Control batches: the markers that commit or abort a transaction in one partition (KIP-98).

One record: key version 0 and type (0 abort, 1 commit), value version 0 and the coordinator's epoch. Knows bytes alone.
"""

import struct

from penstock import record
from penstock.calls import Bytes
from penstock.record import BatchInfo, Record

COORDINATOR_EPOCH = 0
"""One node coordinates all transactions for ever: its epoch never changes."""

_KEY, _VALUE = struct.Struct(">hh"), struct.Struct(">hi")
ABORT, COMMIT = 0, 1


def encode(producer_id: int, producer_epoch: int, commit: bool, now_ms: int) -> bytearray:
    """A marker, to be appended."""
    key = _KEY.pack(0, COMMIT if commit else ABORT)
    marker = Record(key, _VALUE.pack(0, COORDINATOR_EPOCH), now_ms)
    return bytearray(
        record.encode(
            [marker], producer_id=producer_id, producer_epoch=producer_epoch, transactional=True, control=True
        )
    )


def aborts(batches: Bytes, info: BatchInfo) -> bool:
    """Whether the control batch at `info` aborts; what is no marker does not. Raises ValueError on damage."""
    batch = memoryview(batches)[info.position : info.position + info.size]
    return any(_kind(one) == ABORT for one in record.decode(batch))


def commits(one: Record) -> bool:
    """Whether a control batch's record commits."""
    return _kind(one) == COMMIT


def _kind(one: Record) -> int:
    key = one.key or b""
    return int(_KEY.unpack_from(key)[1]) if len(key) >= _KEY.size else -1
