"""The client reads what is committed, and nothing else, where it is asked to; against a real broker and real transactions."""

import asyncio

from penstock.client import Client
from penstock.client.fetching import Got
from penstock.client.reader import ReaderOptions, _whole
from penstock.record import Record, decode, encode, scan
from tests.clients.transactions import confluent_produce, confluent_producer, value_of

COUNT = 7


async def values(address: str, topic: str, committed: bool, until: int) -> list[str]:
    """The values of partition 0, read until the offset `until` is reached."""
    found: list[str] = []
    async with (
        Client(address) as client,
        client.reader({(topic, 0): 0}, options=ReaderOptions(committed=committed)) as reader,
    ):
        at = 0
        while at < until:
            for chunk in await reader.read(10):
                found += [(one.value or b"").decode() for one in decode(chunk.batches)]
                at = chunk.next_offset
    return found


def test_a_reader_of_committed_records_sees_no_aborted_ones_and_no_open_ones(broker_address: str) -> None:
    topic = "read-committed"
    confluent_produce(broker_address, topic, COUNT)
    producer = confluent_producer(broker_address, "still-open")
    producer.begin_transaction()
    producer.produce(topic, "open")
    producer.flush()
    every = [value_of(number) for number in range(COUNT)]
    kept = [value for value in every if value.startswith("kept")]
    assert asyncio.run(values(broker_address, topic, True, 2 * COUNT)) == kept
    assert asyncio.run(values(broker_address, topic, False, 2 * COUNT + 1)) == [*every, "open"]

    async def ends() -> list[int]:
        async with Client(broker_address) as client:
            return [(await client.offsets(topic, committed=committed))[0] for committed in (True, False)]

    assert asyncio.run(ends()) == [2 * COUNT, 2 * COUNT + 1]
    producer.abort_transaction(30)


def test_a_producers_later_transaction_counts_again() -> None:
    def batch(offset: int, value: bytes, **how: object) -> bytes:
        marks = {"producer_id": 7, "producer_epoch": 0, "transactional": True, **how}
        return encode([Record(None if value else b"\0\0\0\0", value, 0)], base_offset=offset, **marks)  # type: ignore[arg-type]

    log = [
        batch(0, b"aborted"),
        batch(1, b"", control=True),
        batch(2, b"kept"),
        batch(3, b"other", producer_id=8),
    ]
    got = Got("t", 0, 0, 4, 0, memoryview(b"".join(log)), 4, ((8, 3), (7, 0)))
    found, next_offset, aborted = _whole(got, 0, False)
    assert not aborted
    assert [one.value for one in decode(found)] == [b"kept"] and next_offset == 4
    every, next_offset, aborted = _whole(got, 0, True)
    assert [one.value for info in scan(every) for one in decode(every[info.position :][: info.size])] == [
        b"aborted",
        b"kept",
        b"other",
    ]
    assert (next_offset, aborted) == (4, {0, 3})
