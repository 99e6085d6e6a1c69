"""Writes down what became of records: retries, held ones, dead letters and positions, in one Kafka transaction.

Whoever is killed before its end leaves no trace of it, and who takes over begins where the last one ended: nothing is
lost and nothing stands twice. Where only positions move, they are committed without one. Knows the client; knows
nothing of keys and handlers.
"""

from collections.abc import Sequence
from uuid import uuid4

from penstock import record
from penstock.client import Client, Transactions
from penstock.client.admin.offsets import Place
from penstock.client.members.membership import Membership
from penstock.consumer.delivery import Part
from penstock.consumer.partition.holding import Move
from penstock.consumer.partition.order import Held
from penstock.consumer.partition.share import Share
from penstock.record import Packed, Record

BATCH_BYTES = 900_000
Moves = tuple[Share, Part, Sequence[Move | Held]]


class Committer:
    """One consumer's commits, one after the other. After an error `reopen`, and read positions anew."""

    def __init__(self, client: Client, membership: Membership, transaction_s: float) -> None:
        self._client, self._membership = client, membership
        self._id = f"penstock.{membership.group}.{uuid4().hex[:12]}"
        self._timeout_ms = round(transaction_s * 1000)
        self._writer: Transactions | None = None
        self.written = 0

    async def commit(self, shares: Sequence[Share]) -> bool:
        """Write what is settled of these partitions; whether there was anything. Raises KafkaError."""
        gathered = [(share, share.gather()) for share in shares]
        positions = {part: at for _, found in gathered for part, at in found.positions.items()}
        moves = [(share, part, some) for share, found in gathered for part, some in found.moves.items()]
        place = self._membership.place
        if moves:
            await self._transact(moves, positions, place)
        elif positions:
            await self._client.commit(self._membership.group, positions, place)
        return bool(moves or positions)

    async def reopen(self) -> None:
        """After an error: what was open is settled, one way or the other, before positions are read again."""
        if self._writer is not None:
            await self._writer.open()

    async def close(self) -> None:
        """Let go of what is under way."""
        if self._writer is not None:
            await self._writer.close()

    async def _transact(self, moves: Sequence[Moves], positions: dict[Part, int], place: Place) -> None:
        if self._writer is None:
            writer = self._client.transactions(self._id, self._timeout_ms)
            await writer.open()
            self._writer = writer
        writer = self._writer
        await writer.enlist({part for _, part, _ in moves})
        sent = []
        for share, part, found in moves:
            made = ((each, share.record_of(each)) for each in found)
            for some in record.runs(made, min(BATCH_BYTES, share.bytes_max(part[0])), _size):
                batch = record.encode([its for _, its in some])
                sent.append((share, part, [each for each, _ in some], writer.push(*part, batch)))
        if positions:
            await writer.send_offsets(self._membership.group, positions, place)
        placed = [(share, part, run, await answer) for share, part, run, answer in sent]
        for share, part, run, base in placed:
            share.expect(part, base, len(run))  # before anyone can read it
        await writer.end()
        for share, _, run, base in placed:
            share.written(run, base)
            self.written += len(run)


def _size(made: tuple[object, Record | Packed]) -> int:
    return record.size_of(made[1])
