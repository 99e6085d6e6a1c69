"""Rows that came too late, as records: the columns that their operator saw as JSON, why in the headers.

Headers: `penstock.late.operator` names who dropped them, `penstock.late.watermark` is the event time that had been reached,
in ms since the epoch. Knows frames and records; knows no topic.
"""

from collections.abc import Iterator, Sequence

from penstock.clock import Now
from penstock.engine.formats.choose import writer_of
from penstock.engine.operators.operator import Late
from penstock.engine.plan import Node
from penstock.record import Record


def late_records(operator: str, nodes: Sequence[Node], late: Late, now: Now) -> Iterator[Record]:
    """A record a row."""
    known = {c.name: c for node in nodes for source in node.inputs for c in source.schema}
    fields = tuple(known[name] for name in late.rows.columns if name in known)
    values = writer_of("json", fields, {}).payload(late.rows)
    marks = (
        ("penstock.late.operator", operator.encode()),
        ("penstock.late.watermark", str(late.watermark_ms).encode()),
    )
    for at, size in zip(values.at.tolist(), values.size.tolist(), strict=True):
        yield Record(None, values.data[at : at + size].tobytes(), now.wall_ms, marks)
