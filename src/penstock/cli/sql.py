"""Ask in SQL: a SELECT over the tables of the running pipelines, or a whole script, answered from the log as it is.

A query runs here, in this process: the server only serves records. Tables and views of running pipelines are known;
a script may declare further ones. With --follow the changelog goes on as records come.

penstock sql 'SELECT sensor, mean FROM machine_now'
penstock sql explain pipelines/machine.sql

`explain` shows a pipeline's plan as it is written and as it runs: each operator, and what each scan decodes.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from penstock import record
from penstock.calls import EARLIEST
from penstock.cli.connection import bootstrap_flag, with_client
from penstock.cli.output import show
from penstock.client import Client
from penstock.engine.job import EngineOptions, Job, Output
from penstock.engine.plan import Plan, Sink, Table
from penstock.errors import PenstockError
from penstock.sql.catalog import Catalog
from penstock.sql.execution import Explained
from penstock.sql.script import parse
from penstock.sql.script import run as declare
from penstock.work.connectors import connector_of
from penstock.work.connectors.shape import Site, Source
from penstock.work.loading import load
from penstock.work.reporting import TOPIC as REPORTS
from penstock.work.running import read_clocks

ANSWER = "answer"
KINDS = ("+I", "-U", "+U", "-D")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The query, or the file it stands in."""
    parser.add_argument("query", help="SELECT …, a script that ends with one, or a file with it")
    parser.add_argument("file", nargs="?", metavar="FILE", help="after `explain`: the pipeline's file")
    parser.add_argument("--follow", action="store_true", help="go on with every change, one a line")
    bootstrap_flag(parser)


def split(text: str) -> tuple[str, str]:
    """A script's declarations, and the SELECT it ends with."""
    script, _, query = text.rstrip().rstrip(";").rpartition(";")
    if query.lstrip().split(None, 1)[:1] and query.lstrip().split(None, 1)[0].upper() in (
        "SELECT",
        "WITH",
        "(",
    ):
        return script + ";" if script else "", query
    raise PenstockError(
        "the script does not end with a SELECT",
        remedy="to run INSERT INTO for good, save it as a file in the project's pipelines/",
    )


async def running_tables(client: Client) -> Catalog:
    """What the running pipelines declare, as they report it."""
    catalog = Catalog()
    if (await client.metadata([REPORTS]))[REPORTS].error:
        return catalog
    for job in (await newest(client, REPORTS)).values():
        known = Catalog()
        try:
            declare(job.get("sql") or "", known, place=str(job.get("file", "")))
        except PenstockError:
            continue  # a pipeline that does not parse is shown by the console; its tables are not there
        catalog.tables = {**known.tables, **catalog.tables}
        catalog.views = {**known.views, **catalog.views}
    return catalog


async def newest(client: Client, topic: str) -> dict[bytes, dict[str, Any]]:
    """The newest JSON value of each key of a topic."""
    rows: dict[bytes, dict[str, Any]] = {}
    ends, at = await client.offsets(topic), await client.offsets(topic, EARLIEST)
    reader = client.reader({(topic, p): o for p, o in at.items()})
    while any(at[p] < ends[p] for p in ends):
        for chunk in await reader.read():
            for info in record.scan(chunk.batches):
                for found in record.decode(
                    memoryview(chunk.batches)[info.position : info.position + info.size]
                ):
                    if found.key is not None:
                        rows[found.key] = json.loads(found.value or b"{}")
            at[chunk.partition] = chunk.next_offset
    await reader.close()
    return rows


def plan_of(text: str, catalog: Catalog, place: str) -> Plan:
    """The query as a plan whose sink is this terminal."""
    declarations, query = split(text)
    if declarations:
        # What the script declares goes before what runs under the same name.
        own = Catalog()
        declare(declarations, own, place=place)
        catalog.tables = {**catalog.tables, **own.tables}
        catalog.views = {**catalog.views, **own.views}
    catalog.sinks.clear()
    declare(f"CREATE VIEW {ANSWER} AS {query}", catalog, place=place)
    node = catalog.views[ANSWER]
    return Plan((Sink(Table(ANSWER, node.schema, {"connector": "print"}), node),))


class Answer:
    """Rows as they come out: the changelog, or what it amounts to."""

    def __init__(self, given: argparse.Namespace, columns: tuple[str, ...]) -> None:
        self.given, self.columns = given, columns
        self.rows: dict[str, tuple[int, dict[str, Any]]] = {}

    def take(self, outputs: list[Output]) -> None:
        """Print each change, or fold it."""
        for output in outputs:
            if output.rows is None:
                continue
            for row in output.rows.iter_rows(named=True):
                kind = KINDS[row.pop("$kind", 0)]
                if self.given.follow:
                    self._print(kind, row)
                else:
                    self._fold(kind, row)

    def _print(self, kind: str, row: dict[str, Any]) -> None:
        if self.given.json:
            print(json.dumps({"kind": kind, "row": row}, default=str), flush=True)
        else:
            print(kind, *(f"{name}={value}" for name, value in row.items()), flush=True)

    def _fold(self, kind: str, row: dict[str, Any]) -> None:
        key = json.dumps(row, default=str)
        count = self.rows.get(key, (0, row))[0] + (1 if kind[0] == "+" else -1)
        self.rows[key] = (count, row)

    def show(self) -> None:
        """What the changes amount to."""
        rows = [row for count, row in self.rows.values() for _ in range(count)]
        show(rows, self.columns, self.given)


async def query(client: Client, given: argparse.Namespace) -> None:
    """Run the query over what the log holds now; with --follow, for ever."""
    text, place = given.query, ""
    if text.endswith(".sql") and Path(text).is_file():
        text, place = Path(text).read_text("utf-8-sig"), text
    plan = plan_of(text, await running_tables(client), place)
    job, wake = Job(plan, EngineOptions()), asyncio.Event()
    site = Site("sql", lambda _: client, wake.set, lambda note: print(note, file=sys.stderr), asyncio.sleep)
    sources = [connector_of(source.table).source(source.table, site) for source in job.sources]
    await asyncio.gather(*(source.open(None, read_clocks()) for source in sources))
    answer = Answer(given, tuple(column.name for column in plan.sinks[0].source.schema))
    while given.follow or not all(_at_end(source) for source in sources):
        wake.clear()
        if not _step(job, sources, answer):
            await wake.wait()
    if not given.follow:
        answer.take(job.on_end(read_clocks()))
        answer.show()


def _step(job: Job, sources: list[Source], answer: Answer) -> bool:
    busy = False
    for index, source in enumerate(sources):
        for arrival in source.read(read_clocks()):
            busy = True
            if arrival.rows is not None:
                answer.take(job.on_rows(index, arrival.partition, arrival.rows, read_clocks()))
            elif len(arrival.batches):
                answer.take(job.on_records(index, arrival.partition, arrival.batches, read_clocks()))
    return busy


def _at_end(source: Source) -> bool:
    return source.ended or all(source.caught_up(partition) for partition in source.positions)


def explain(given: argparse.Namespace) -> None:
    """Show the plan of a pipeline's file; no server is asked."""
    path = Path(given.file)
    if not path.is_file():
        raise PenstockError(f"there is no file {path}", remedy="name a pipeline's file, *.sql or *.py")
    text = path.read_bytes()
    sql = path.suffix == ".sql"
    plan = parse(text.decode(), place=str(path), explaining=True) if sql else _planned(path, text)
    told = Explained.of(plan)
    if given.json:
        print(json.dumps(vars(told)))
    else:
        print(f"As it is written\n\n{told.written}\nAs it runs\n\n{told.running}", end="")


def _planned(path: Path, text: bytes) -> Plan:
    loaded = load(path, text)
    if loaded.only_tasks:
        raise PenstockError(
            "this file has tasks and no pipelines: there is no plan", remedy=f"run them: penstock run {path}"
        )
    return loaded.plan


def run(given: argparse.Namespace) -> int:
    """Ask."""
    if given.file is not None and given.query != "explain":
        raise PenstockError("a query is one argument", remedy="put it in quotes")
    if given.file is not None:
        explain(given)
        return 0
    with_client(given, lambda client: query(client, given))
    return 0
