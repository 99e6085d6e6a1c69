"""The messages themselves: blocks in memory, the newest and those read last, and the log behind them.

Knows blocks by their offset; knows nothing of who holds a message.
"""

from collections import OrderedDict

from penstock.broker.ledger.block import Block
from penstock.calls import Bytes
from penstock.log import Partition
from penstock.record import intact, scan

_READ_BYTES = 256 * 1024
_BLOCKS_MAX = 8192
_BLOCK_COST = 1024  # what a block costs in memory beside its bytes


class Bodies:
    """`memory_bytes` bounds what is kept. Reading raises Cold where the log's bytes are far away."""

    def __init__(self, memory_bytes: int) -> None:
        self._most = memory_bytes
        self._blocks: OrderedDict[int, Block | bytearray] = OrderedDict()  # as written until somebody asks
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def keep(self, offset: int, block: Block | bytearray) -> None:
        """Remember a block, or its batch; the one that nobody has asked for longest goes."""
        blocks = self._blocks
        if offset in blocks:
            return
        blocks[offset] = block
        self.held_bytes += _cost(block)
        while blocks and (self.held_bytes > self._most or len(blocks) > _BLOCKS_MAX) and len(blocks) > 1:
            _, gone = blocks.popitem(last=False)
            self.held_bytes -= _cost(gone)

    def forget_before(self, offset: int) -> None:
        """What stands below is gone from the log."""
        for gone in [one for one in self._blocks if one < offset]:
            self.held_bytes -= _cost(self._blocks.pop(gone))

    def block(self, partition: Partition, offset: int, patient: bool = False) -> Block:
        """The block at this offset. Raises Cold unless `patient`, or ValueError for damage."""
        found = self._blocks.get(offset)
        if found is not None:
            self._blocks.move_to_end(offset)
            if isinstance(found, bytearray):
                found = self._blocks[offset] = Block(found, 0)
            return found
        read = partition.read if patient else partition.read_near
        chunk = read(offset, _READ_BYTES, end=partition.end_offset)
        return self._take(chunk, offset)

    def _take(self, chunk: Bytes, offset: int) -> Block:
        """Those behind it come with it: who reads a queue wants them next."""
        wanted = None
        data = bytes(chunk)
        for info in scan(data):
            if not intact(data, info.position):
                continue
            block = Block(data, info.position)
            if info.base_offset == offset:
                wanted = block
            else:
                self.keep(block.offset, block)
        if wanted is None:
            raise ValueError(f"no whole block of the queues' log stands at offset {offset}")
        self.keep(offset, wanted)
        return wanted


def _cost(block: Block | bytearray) -> int:
    return _BLOCK_COST + (len(block) if isinstance(block, bytearray) else block.size)
