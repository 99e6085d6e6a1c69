"""``print``: writes each change to the worker's standard output, as Flink does: ``+I[cpu, 37.5]``.

    CREATE TABLE seen (sensor STRING, reading DOUBLE) WITH ('connector' = 'print', 'print-identifier' = 'seen')

Options: ``print-identifier`` stands before each line (``seen> +I[…]``); ``standard-error`` writes there instead.
Source: Flink documentation, "Print SQL Connector".
"""

import datetime
import sys
from typing import Any

from penstock.engine.job import Output
from penstock.engine.plan import Table
from penstock.work.connectors.shape import Sink, Site, Source, only

KINDS = ("+I", "-U", "+U", "-D")


class Print:
    """The connector."""

    name = "print"

    def source(self, table: Table, site: Site) -> Source:
        """Refused: there is nothing to read."""
        raise only(table, "written", "read from a kafka or datagen table")

    def sink(self, table: Table, site: Site) -> Sink:
        """Write lines."""
        return PrintSink(table)


class PrintSink:
    """Lines on standard output or standard error."""

    partitions = 1

    def __init__(self, table: Table) -> None:
        identifier = table.options.get("print-identifier", "")
        self._prefix = f"{identifier}> " if identifier else ""
        self._to_error = table.options.get("standard-error") == "true"

    async def open(self) -> None:
        """Nothing to open."""

    async def write(self, output: Output) -> None:
        """One line a change."""
        stream = sys.stderr if self._to_error else sys.stdout
        stream.write("".join(f"{self._prefix}{line}\n" for line in lines(output)))

    async def flush(self) -> None:
        """What a pipe has taken is as safe as printing gets."""
        (sys.stderr if self._to_error else sys.stdout).flush()


def lines(output: Output) -> list[str]:
    """The rows as Flink prints them."""
    rows = output.rows
    if rows is None or not rows.height:
        return []
    kinds = rows["$kind"].to_list() if "$kind" in rows.columns else [0] * rows.height
    values = rows.select([name for name in rows.columns if name != "$kind"]).iter_rows()
    return [f"{KINDS[kind]}[{', '.join(map(_text, row))}]" for kind, row in zip(kinds, values, strict=True)]


def _text(value: Any) -> str:
    """A value as Java's ``toString`` gives it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        seconds = value.second or value.microsecond
        text = value.strftime("%Y-%m-%dT%H:%M:%S" if seconds else "%Y-%m-%dT%H:%M")
        fraction = f"{value.microsecond:06d}"
        fraction = fraction[:3] if fraction.endswith("000") else fraction
        return f"{text}.{fraction}" if value.microsecond else text
    if isinstance(value, bytes):
        return f"[{', '.join(str(b - 256 if b > 127 else b) for b in value)}]"
    return str(value)
