"""Lines of CSV that are read all at once give what they give one by one: rows, nulls, dead letters and their words."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.plain.csv import CsvReader
from penstock.engine.types import Column
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_json import chunk_of

KINDS = (
    "BIGINT", "INT", "TINYINT", "STRING", "VARCHAR(10)", "DOUBLE", "FLOAT", "BOOLEAN", "TIMESTAMP(3)", "DATE", "TIME", "DECIMAL(6, 2)", "DECIMAL(5, 5)",
    "DECIMAL(38, 0)", "BYTES", "ARRAY<INT>",
)  # fmt: skip
CELLS = (
    "", "0", "-0", "007", "1", "-128", "128", "2147483648", "9223372036854775807", "9223372036854775808", "1.5", "-0.125", "0.00001", "12.345", "1e3", "nan", " 1", "1_0",
    "true", "FALSE", " true", "x", "ü", "n/a", "2026-11-22 11:00:00.5", "2026-11-22", "11:05:00", "AQI=", '"quoted, text"', 'a"b', "1;2", "#", "\\x", "0.1000000000000000055",
    "123456789012345678901234567890", "1234.56", "٣",
)  # fmt: skip
OPTIONS = st.fixed_dictionaries({}, optional={
    "csv.ignore-parse-errors": st.just("true"), "csv.null-literal": st.sampled_from(["n/a", "", "0"]), "csv.field-delimiter": st.sampled_from([";", "|", "\\t"]),
    "csv.allow-comments": st.just("true"), "csv.escape-character": st.just("\\"), "csv.disable-quote-character": st.just("true"),
})  # fmt: skip


@settings(max_examples=100, deadline=None, phases=NO_SHRINKING)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4), OPTIONS, st.integers(0, 2**32))
def test_plain_lines_are_read_as_one_by_one(kinds: list[str], options: dict[str, str], seed: int) -> None:
    dice = random.Random(seed)
    schema = tuple(Column(f"c{n}", kind) for n, kind in enumerate(kinds))
    fields = tuple(dice.sample(schema, dice.randint(1, len(schema))))
    sign = options.get("csv.field-delimiter", ",").replace("\\t", "\t")
    lines: list[bytes | None] = [None, b"", b"\xff" + sign.encode() * (len(schema) - 1)]
    for _ in range(30):
        count = len(schema) + (dice.choice([-1, 1]) if dice.random() < 0.05 else 0)
        cells = [dice.choice(CELLS[:6] if dice.random() < 0.5 else CELLS) for _ in range(count)]
        lines.append((sign.join(cells) + dice.choice(["", "", "", "\n", "\r\n"])).encode())
    dice.shuffle(lines)
    reader, alone = CsvReader(fields, schema, options), CsvReader(fields, schema, options)
    alone._plain = False
    made, expected = reader.read(chunk_of(lines)), alone.read(chunk_of(lines))
    assert made.frame.schema == expected.frame.schema
    assert list(map(repr, made.frame.rows())) == list(map(repr, expected.frame.rows()))
    assert made.rows.tolist() == expected.rows.tolist() and made.bad == expected.bad
    assert made.tombstones.tolist() == expected.tombstones.tolist()
