"""The queries as whole scripts: tables of a layout, the query, and where its rows go, for either engine.

The query files hold `${source}`, `${sink}`, `${key}` and `${side_input}`; what each stands for is said here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

QUERIES = Path(__file__).parent / "queries"
NAMES = tuple(f"q{number}" for number in range(23))
HALVES = ("q5_counts", "q7_best")
"""What of q5 and q7 those engines run that join no windows: measured beside them, not among the 23."""


@dataclass(frozen=True)
class Query:
    """What is to know of a query beside its text."""

    key: str = ""
    """The columns that tell its results apart, for upsert-kafka; none: it only adds rows."""
    flink: bool = True
    """Whether Flink runs it."""
    exact: bool = True
    """Whether its rows follow from the events alone: not where the wall's clock takes part."""
    needs: str = ""
    """What penstock lacks to run it today; empty: it runs."""


KINDS: Mapping[str, Query] = {
    **dict.fromkeys(NAMES + HALVES, Query()),
    "q4": Query("id"),
    "q6": Query("seller", flink=False, needs="bounded OVER aggregates over rows that change, which Flink has not either"),
    "q9": Query("id"),
    "q12": Query(exact=False),
    "q13": Query(),
    "q15": Query("`day`"),
    "q16": Query("channel, `day`"),
    "q17": Query("auction, `day`"),
    "q18": Query("auction, bidder"),
    "q19": Query("auction, rank_number"),
}  # fmt: skip

BLACKHOLE = "'connector' = 'blackhole'"
FORMATS = ("json", "avro", "protobuf")
SCHEMA = QUERIES / "nexmark.proto"
PROTOBUF: Mapping[str, str] = {
    topic: f"'protobuf.schema-file' = '{SCHEMA}', 'protobuf.message' = 'nexmark.{topic.title()}'"
    for topic in ("person", "auction", "bid")
}


@dataclass(frozen=True)
class Place:
    """Where a script reads and writes; `bounded`: up to where the topics end now."""

    bootstrap: str = ""
    layout: str = "three"
    sink: str = BLACKHOLE
    side_input: str = "'connector' = 'upsert-kafka', 'topic' = 'nexmark_side_input', 'key.format' = 'json', 'value.format' = 'json'"
    bounded: bool = False
    topic: str = "nexmark"
    """What the names of the events' topics begin with."""
    options: str = ""
    form: str = "json"
    """One of FORMATS."""
    messages: Mapping[str, str] = field(default_factory=lambda: PROTOBUF)
    """By topic, the WITH options that name its Protobuf message."""

    @property
    def source(self) -> str:
        """The WITH options of the tables that are read, but for their topics."""
        said = f"'connector' = 'kafka', 'format' = '{self.form}', 'scan.startup.mode' = 'earliest-offset'"
        if self.bootstrap:
            said += f", 'properties.bootstrap.servers' = '{self.bootstrap}'"
        return said + (", 'scan.bounded.mode' = 'latest-offset'" if self.bounded else "") + self.options


def statements(name: str, place: Place) -> list[str]:
    """The statements of a query's script, each without its semicolon; the last is the INSERT."""
    tables = "protobuf" if place.form == "protobuf" else place.layout
    text = (QUERIES / f"tables_{tables}.sql").read_text() + (QUERIES / f"{name}.sql").read_text()
    key = KINDS[name].key if "upsert-kafka" in place.sink else ""
    filled = Template(text).substitute(
        source=place.source,
        topic=place.topic,
        sink=place.sink,
        side_input=place.side_input,
        **{f"{kind}_message": said for kind, said in place.messages.items()},
        key=f",\n  PRIMARY KEY ({key}) NOT ENFORCED" if key else "",
    )
    lines = [line for line in filled.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def key_places(name: str) -> tuple[int, ...]:
    """Which of the result's columns are its key."""
    text = (QUERIES / f"{name}.sql").read_text()
    columns = re.findall(r"`?(\w+)`? (?:BIGINT|STRING|DECIMAL|TIMESTAMP)", text.partition("WITH (")[0])
    return tuple(columns.index(part.strip(" `")) for part in KINDS[name].key.split(",") if part)


def script(name: str, place: Place) -> str:
    """The whole script."""
    return ";\n\n".join(statements(name, place)) + ";\n"
