"""Records that a pipeline could not read, written to their dead-letter topic instead of stopping it.

The engine names the topic and the headers (Kafka Connect's); here they are only brought there, whatever their size.
"""

from penstock import record
from penstock.client import Client, KafkaError
from penstock.record import Record

BATCH_BYTES = 800_000


class DeadLetters:
    """Writes dead letters of one job; `flush` before its offsets are committed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[str, list[Record]] = {}
        self._bytes = 0

    async def bury(self, letters: list[tuple[str, Record]]) -> None:
        """Take (topic, record) pairs; writes them at once where many wait."""
        for topic, letter in letters:
            self._waiting.setdefault(topic, []).append(letter)
            self._bytes += _size(letter)
        if self._bytes > BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits, and wait until it is safe."""
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        for topic, letters in waiting.items():
            if (await self._client.metadata([topic]))[topic].error:
                await self._client.create_topic(topic, 1, {}, exist_ok=True)
            large = [letter for letter in letters if _size(letter) > BATCH_BYTES]
            await self._client.produce(topic, [letter for letter in letters if _size(letter) <= BATCH_BYTES])
            for letter in large:
                await self._put_large(topic, letter)

    async def _put_large(self, topic: str, letter: Record) -> None:
        """A record that no longer fits, now that it carries its reason, goes without its value."""
        try:
            await self._client.append(topic, 0, record.encode([letter]))
        except KafkaError as error:
            if error.name not in ("MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"):
                raise
            note = ("penstock.value.omitted", str(len(letter.value or b"")).encode())
            bare = Record(None, None, letter.timestamp_ms, (*letter.headers, note))
            await self._client.produce(topic, [bare])


def _size(letter: Record) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in letter.headers)
    return len(letter.key or b"") + len(letter.value or b"") + headers
