"""A Python file in a real worker: its functions, tables of rows, batches and classes survive `kill -9`, exactly once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.work.process import QUICK, WorkerProcess, everything, fresh, jobs, until

from penstock.client import Client

PIPELINE = '''
"""What a shop watches."""
from dataclasses import dataclass, field

import polars as pl
from weights import WEIGHT

from penstock import App, col

app = App("shop")
payments = app.topic("payments", {"n": int, "card": str, "amount": float})


@app.function
def weighed(amount: float) -> float:
    return amount * WEIGHT if amount >= 0 else 1 / 0


@dataclass
class Seen:
    numbers: list[int] = field(default_factory=list)


@app.process(payments, by="card", emits={"card": str, "numbers": str, "weight": float}, ttl="1h", to="told")
class Fifth:
    seen: Seen = Seen()
    weight: float = 0.0

    def on_row(self, row, ctx):
        self.seen.numbers.append(row.n)
        self.weight += weighed(row.amount)
        ctx.timer("never", after="1h")
        if len(self.seen.numbers) == 5:
            yield row.card, ",".join(map(str, self.seen.numbers)), self.weight
            ctx.clear()

    def on_timer(self, name, ctx):
        ctx.clear()


@app.map_batches(payments, emits={"n": int, "w": float}, to="batched")
def doubled(batch):
    return batch.select("n", w=pl.col("amount") * 2)


app.sql("INSERT INTO batched SELECT n + 1000, weighed(amount) FROM payments")
'''


async def values(client: Client, topic: str) -> list[dict[str, Any]]:
    """The records of a topic that are committed."""
    if (await client.metadata([topic]))[topic].error:
        return []
    return [json.loads(record.value or b"") for record in await everything(client, topic)]


def payment(n: int) -> dict[str, Any]:
    return {"n": n, "card": "ab"[n % 2], "amount": float(n)}


async def play(address: str, worker: WorkerProcess) -> None:
    async with Client(address, options=QUICK) as client:
        await client.create_topic("payments", 2)
        await client.create_topic("batched", 1)
        sent = 0
        for _ in range(3):
            with worker:
                for _ in range(3):
                    await client.produce(
                        "payments", [fresh(payment(n), b"k") for n in range(sent, sent + 2)], 0
                    )
                    sent += 2

                    async def there(count: int = sent) -> bool:
                        return len(await values(client, "batched")) >= 2 * count

                    await until(there, 60, client)
                worker.end()  # a SIGKILL
        with worker:
            await client.produce("payments", [fresh(payment(n)) for n in (18, 19)], 0)
            await client.produce("payments", [fresh({"n": -1, "card": "a", "amount": -1.0})], 1)

            async def all_there() -> bool:
                return len(await values(client, "told")) == 4 and bool(await values(client, "payments.dlq"))

            await until(all_there, 60, client)

            async def told_of() -> (
                bool
            ):  # a worker tells once a second what it does: the rows may be there before
                return all(job["state"] != "starting" for job in (await jobs(client)).values())

            await until(told_of, 30, client)
            (job,) = (await jobs(client)).values()
            assert (job["state"], job["error"], job["notes"]) == ("running", None, [])
        told = await values(client, "told")
        assert [(r["card"], r["numbers"], r["weight"]) for r in told] == [
            ("a", "0,2,4,6,8", 40.0), ("b", "1,3,5,7,9", 50.0), ("a", "10,12,14,16,18", 140.0), ("b", "11,13,15,17,19", 150.0),
        ]  # fmt: skip
        batched = await values(client, "batched")
        assert sorted(r["n"] for r in batched) == sorted([-1, *range(20), *range(1000, 1020)])
        (letter,) = await everything(client, "payments.dlq")
        assert dict(letter.headers)["__connect.errors.exception.class.name"] == b"ZeroDivisionError"


@pytest.mark.timeout(240)
def test_functions_and_classes_of_a_python_file_survive_kills(broker: Any, tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "_weights.py").write_text("")
    (folder / "shop.py").write_text(PIPELINE.replace("from weights", "from _weights"))
    (folder / "_weights.py").write_text("WEIGHT = 2.0\n")
    worker = WorkerProcess(broker.address, folder, more=("--commit-s", "0.1"))
    asyncio.run(play(broker.address, worker))
