"""Real Kafka's ApiVersions answer beside ours: every API and version is supported, or refused with its reason."""

import json
from pathlib import Path
from typing import Final

from penstock.wire.kafka import support
from tests.differential.asking import Connection

API_VERSIONS: Final = 18
RECORDED: Final = Path(__file__).with_name("kafka_apis.json")
"""What Kafka said when it was last asked; `python -m tests.compatibility.scorecard` asks anew."""

ABORTABLE: Final = (
    "come with transactions that end by epoch (KIP-890), which clients use only where all of them are"
)
NEWER: Final = {
    0: f"12 and 13 {ABORTABLE}; 13 also names topics by id",
    1: "17 and 18 are for followers: a directory's id, and their high watermark",
    2: "11 asks for the earliest offset that is not in remote storage yet (KIP-1023)",
    3: "13 adds an error code for the whole answer",
    8: "10 names topics by id, for the new group protocol (KIP-848)",
    9: "10 names topics by id, for the new group protocol (KIP-848)",
    10: "5 is for transactions that end by epoch (KIP-890), 6 for share groups (KIP-932)",
    15: "6 tells of unknown groups with a message (KIP-1043)",
    22: f"5 {ABORTABLE}".replace("come", "comes"),
    24: f"4 is spoken between brokers, 4 and 5 {ABORTABLE}",
    26: f"5 {ABORTABLE}".replace("come", "comes"),
    28: f"5 {ABORTABLE}".replace("come", "comes"),
    35: "5 tells of cordoned log directories (KIP-1066): there is one directory",
    60: "2 tells of fenced brokers: there is one broker",
    66: "2 filters by a pattern of names (KIP-1152)",
}
"""Why versions that Kafka has above ours are left out, by API key."""

OLDER: Final = {
    0: "0 to 2 are told of, as Kafka tells of them (old librdkafka knows a broker by them), and refused, as there",
}
"""Why versions that Kafka has below ours are left out, by API key."""

Range = tuple[int, int]


def ask(address: str) -> dict[int, Range]:
    """What a server says of itself, by API key: lowest and highest version."""
    connection = Connection(address)
    try:
        answer = connection.ask(
            API_VERSIONS, 3, client_software_name="scorecard", client_software_version="1"
        )
    finally:
        connection.close()
    return {each["api_key"]: (each["min_version"], each["max_version"]) for each in answer["api_keys"]}


def recorded() -> dict[int, Range]:
    """What Kafka said."""
    return {int(key): (low, high) for key, (low, high) in json.loads(RECORDED.read_text()).items()}


def record(kafka: dict[int, Range]) -> None:
    """Keep what Kafka said."""
    RECORDED.write_text(
        json.dumps(kafka, indent=0).replace("[\n", "[").replace(",\n", ", ").replace("\n]", "]") + "\n"
    )


def reason(key: int, kafka: Range, ours: Range | None) -> str:
    """Why ours is not Kafka's range; empty where it is. Raises KeyError where nobody wrote the reason down."""
    if ours is None:
        return support.REFUSED[key][1]
    lower = "" if ours[0] <= kafka[0] else OLDER[key]
    upper = "" if ours[1] >= kafka[1] else NEWER[key]
    return "; ".join(part for part in (lower, upper) if part)


def markdown(kafka: dict[int, Range], ours: dict[int, Range]) -> str:
    """One row an API of Kafka's."""
    lines = ["| key | API | Kafka | penstock | because |", "|---|---|---|---|---|"]
    for key, told in sorted(kafka.items()):
        name = (support.SUPPORTED.get(key) or support.REFUSED[key])[0]
        mine = ours.get(key)
        lines.append(f"| {key} | {name} | {span(told)} | {span(mine)} | {reason(key, told, mine)} |")
    return "\n".join(lines) + "\n"


def span(told: Range | None) -> str:
    """A range as people read it."""
    return "refused" if told is None else f"{told[0]} to {told[1]}" if told[0] < told[1] else f"{told[0]}"
