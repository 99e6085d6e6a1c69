"""The WITH options of each connector: which there are, which must be there, what values they take.

Source: Flink documentation, "Apache Kafka SQL Connector", "Upsert Kafka", "DataGen", "Print", "BlackHole". Knows
words; connectors act on them in `work/` and the engine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.sql.faults import At, QueryError, did_you_mean

FORMATS = ("json", "avro", "protobuf", "csv", "raw", "debezium-json")
PLAIN = tuple(form for form in FORMATS if form != "debezium-json")
"""Formats whose records are rows as such: for keys, and for topics whose keys say which row a record replaces."""
STARTUP_MODES = ("earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets")
BOUNDED_MODES = ("unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def check_topic(name: str, at: At) -> None:
    """Refuse what no topic can be called: a pipeline would wait for it for ever."""
    if not _TOPIC.fullmatch(name) or name in (".", ".."):
        raise QueryError(f"'{name}' is no topic's name", at, remedy="letters, digits, . _ and -")


@dataclass(frozen=True, slots=True)
class Connector:
    """What a connector's table says in WITH: option → the values it takes (none: any)."""

    options: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


_SINK = {
    "sink.delivery-guarantee": ("exactly-once", "at-least-once"),
    "sink.transactional-id-prefix": (),  # ours is named after the job
    "sink.parallelism": (),  # these say how Flink spreads and gathers its work, and change no result
    "scan.parallelism": (),
}
# idle-advance is ours alone: event time goes on by the wall's clock while all partitions are idle.
_IDLE: dict[str, tuple[str, ...]] = {
    "scan.watermark.idle-timeout": (),
    "scan.watermark.idle-advance": ("true", "false"),
}
_BOUNDED: dict[str, tuple[str, ...]] = {
    "scan.bounded.mode": BOUNDED_MODES,
    "scan.bounded.timestamp-millis": (),
    "scan.bounded.specific-offsets": (),
}
_TRUTH = ("true", "false")
_JSON: dict[str, tuple[str, ...]] = {
    "ignore-parse-errors": _TRUTH,
    "timestamp-format.standard": ("SQL", "ISO-8601"),
    "map-null-key.mode": ("FAIL", "DROP", "LITERAL"),
    "map-null-key.literal": (),
    "encode.ignore-null-fields": _TRUTH,
    "encode.decimal-as-plain-number": ("true",),
}
OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "json": {**_JSON, "fail-on-missing-field": _TRUTH},
    "debezium-json": {**_JSON, "schema-include": _TRUTH},
    "csv": {
        "field-delimiter": (), "quote-character": (), "disable-quote-character": _TRUTH, "escape-character": (), "null-literal": (),
        "array-element-delimiter": (), "allow-comments": _TRUTH, "ignore-parse-errors": _TRUTH,
    },
    "raw": {"charset": (), "endianness": ("big-endian", "little-endian")},
    "avro": {"encoding": ("binary",), "timestamp_mapping.legacy": ("false",)},
    "protobuf": {
        "message": (), "schema": (), "schema-file": (), "message-class-name": (), "ignore-parse-errors": _TRUTH,
        "read-default-values": ("false",), "write-null-string-literal": (),
    },
}  # fmt: skip
"""Each format's own options, which stand behind its name: ``json.ignore-parse-errors``, perhaps behind key. or value. too."""
REFUSED = {
    **dict.fromkeys(
        ("maxwell-json", "canal-json", "ogg-json"),
        "changes are read as Debezium writes them: 'debezium-json'",
    ),
    **dict.fromkeys(
        ("avro-confluent", "debezium-avro-confluent", "protobuf-confluent", "json-registry"),
        "there is no schema registry yet: 'avro' has the table's own schema",
    ),
    **dict.fromkeys(("orc", "parquet"), "a format of files, not of records: 'avro'"),
}
CONNECTORS: dict[str, Connector] = {
    "kafka": Connector(
        {
            "topic": (),
            "format": FORMATS,
            "value.format": FORMATS,
            "key.format": PLAIN,
            "key.fields": (),
            "value.fields-include": ("ALL",),
            "scan.startup.mode": STARTUP_MODES,
            "scan.startup.timestamp-millis": (),
            "scan.startup.specific-offsets": (),
            **_IDLE,
            **_BOUNDED,
            "sink.partitioner": ("default",),
            **_SINK,
        },
        required=("topic", "format"),
        prefixes=("properties.",),
    ),
    "upsert-kafka": Connector(
        {
            "topic": (),
            "key.format": PLAIN,
            "value.format": PLAIN,
            "value.fields-include": ("ALL",),
            "sink.buffer-flush.max-rows": (),
            "sink.buffer-flush.interval": (),
            **_IDLE,
            **_BOUNDED,
            **_SINK,
        },
        required=("topic", "key.format", "value.format"),
        prefixes=("properties.",),
    ),
    "datagen": Connector({"rows-per-second": (), "number-of-rows": ()}, prefixes=("fields.",)),
    "print": Connector({"print-identifier": (), "standard-error": ("true", "false")}),
    "blackhole": Connector({}),
}


def check(options: Mapping[str, str], places: Mapping[str, At], table: At = None) -> None:
    """Refuse a WITH clause that names no connector, an unknown option, or a value it does not take."""
    name = options.get("connector")
    if not name:
        raise QueryError(
            "the table has no connector",
            table,
            remedy="WITH ('connector' = 'kafka', 'topic' = …, 'format' = 'json')",
        )
    connector = CONNECTORS.get(name)
    if connector is None:
        raise QueryError(
            f"connector '{name}' is not offered",
            places.get("connector", table),
            remedy=did_you_mean(name, CONNECTORS, "connectors"),
        )
    for key, value in options.items():
        if key == "connector" or key.startswith(connector.prefixes):
            continue
        at = places.get(key, table)
        known = {**connector.options, **(_of_formats(options) if "topic" in connector.options else {})}
        if key not in known:
            raise QueryError(
                f"'{name}' has no option '{key}'", at, remedy=did_you_mean(key, known, "options")
            )
        if key == "topic":
            check_topic(value, at)
        allowed = known[key]
        if key.endswith("format") and value in REFUSED:
            raise QueryError(f"the format '{value}' is not offered", at, remedy=REFUSED[value])
        if allowed and value not in allowed:
            raise QueryError(f"'{key}' = '{value}' is not offered", at, remedy=f"one of {', '.join(allowed)}")
    _check_places(options, places, table)
    for key in connector.required:
        if key not in options and f"value.{key}" not in options:
            raise QueryError(f"'{name}' needs the option '{key}'", table, remedy=f"add '{key}' = '…' to WITH")


def _of_formats(options: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The options that the table's formats have, by every name they go by."""
    made: dict[str, tuple[str, ...]] = {}
    for key, start in (
        ("format", ""),
        ("value.format", ""),
        ("value.format", "value."),
        ("format", "value."),
        ("key.format", "key."),
    ):
        for option, values in OPTIONS.get(options.get(key, ""), {}).items():
            made[f"{start}{options[key]}.{option}"] = values
    return made


# Modes of where reading begins or ends that need one more option, with a value that shows its form.
_NEEDS = {
    "timestamp": ("timestamp-millis", "1767225600000"),
    "specific-offsets": ("specific-offsets", "partition:0,offset:42;partition:1,offset:300"),
}


def _check_places(options: Mapping[str, str], places: Mapping[str, At], table: At) -> None:
    for which in ("scan.startup", "scan.bounded"):
        mode = options.get(f"{which}.mode", "")
        more, form = _NEEDS.get(mode, ("", ""))
        if more and not options.get(f"{which}.{more}"):
            raise QueryError(
                f"'{which}.mode' = '{mode}' needs '{which}.{more}'",
                places.get(f"{which}.mode", table),
                remedy=f"add '{which}.{more}' = '{form}'",
            )
        if mode == "group-offsets" and not options.get("properties.group.id"):
            raise QueryError(
                f"'{which}.mode' = 'group-offsets' needs a group",
                places.get(f"{which}.mode", table),
                remedy="add 'properties.group.id' = '…'",
            )
