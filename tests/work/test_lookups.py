"""A table that rows look up as they come is read to its end before the first of them."""

from pathlib import Path

from penstock.record import Record
from tests.work.process import fresh, rows, until
from tests.work.test_worker import Case, run

SCRIPT = """CREATE TABLE bids (k BIGINT, v BIGINT, p AS PROCTIME())
WITH ('connector' = 'kafka', 'topic' = '{name}-in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE side (k BIGINT, what STRING, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = '{name}-side', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE found (v BIGINT, what STRING, PRIMARY KEY (v) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = '{name}-out', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO found SELECT v, what FROM bids LEFT JOIN side FOR SYSTEM_TIME AS OF bids.p AS s ON bids.k = s.k;
"""


def entry(number: int) -> Record:
    return fresh({"k": number, "what": f"n{number}"}, b'{"k":%d}' % number)


def test_no_row_comes_before_the_table_it_looks_up(broker_address: str, tmp_path: Path) -> None:
    async def test(case: Case) -> None:
        await case.client.create_topic(f"{case.name}-side", 3)
        await case.send(*({"k": n, "v": n} for n in range(200)))
        for partition in range(3):
            numbers = range(partition, 6000, 3)
            await case.client.produce(f"{case.name}-side", [entry(n) for n in numbers], partition)
        case.save(SCRIPT)
        async with case.hosted():
            await case.reaches("running")

            async def whole() -> bool:
                return len(await rows(case.client, f"{case.name}-out")) == 200

            await until(whole, client=case.client)
            found = await rows(case.client, f"{case.name}-out")
            assert {row["what"] for row in found.values()} == {f"n{n}" for n in range(200)}

    run(broker_address, tmp_path, test)
