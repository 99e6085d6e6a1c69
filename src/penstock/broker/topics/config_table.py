"""Kafka 4's topic settings as data: name, type, default, range or choices, and what each does.

Source: Apache Kafka 4 documentation, "Topic Configs". Settings of things that penstock has not (replicas, tiered
storage) are here too, because tools read and set them; a value that would ask for such a thing is out of range. One setting is penstock's own.
Knows no topic and no call.
"""

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """Kafka's ConfigDef types, by their number in DescribeConfigs."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    LONG = 5
    DOUBLE = 6
    LIST = 7


LONG_MAX = 2**63 - 1
INT_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `broker` is the broker's setting for topics that set none of their own."""

    name: str
    kind: Kind
    default: str
    doc: str
    least: float = float("-inf")
    most: float = float("inf")
    choices: tuple[str, ...] = ()
    broker: str = ""
    holes: tuple[int, ...] = ()


CODECS = ("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")

_TABLE = (
    Setting("cleanup.policy", Kind.LIST, "delete", "What happens to old records: delete, compact, both, or nothing.",
            choices=("compact", "delete", ""), broker="log.cleanup.policy"),
    Setting("compression.gzip.level", Kind.INT, "-1", "The gzip level, 1 to 9; -1 is the library's default.",
            -1, 9, broker="compression.gzip.level", holes=(0,)),
    Setting("compression.lz4.level", Kind.INT, "9", "The lz4 level, 1 to 17.", 1, 17, broker="compression.lz4.level"),
    Setting("compression.type", Kind.STRING, "producer", "The codec records are stored in; producer keeps theirs.",
            choices=CODECS, broker="compression.type"),
    Setting("compression.zstd.level", Kind.INT, "3", "The zstd level, -131072 to 22.", -131072, 22,
            broker="compression.zstd.level"),
    Setting("delete.retention.ms", Kind.LONG, "86400000", "How long compaction keeps a tombstone.", 0,
            broker="log.cleaner.delete.retention.ms"),
    Setting("file.delete.delay.ms", Kind.LONG, "60000", "How long a deleted file stays on disk.", 0,
            broker="log.segment.delete.delay.ms"),
    Setting("flush.messages", Kind.LONG, str(LONG_MAX), "Records after which a sync to disk is forced.", 1,
            broker="log.flush.interval.messages"),
    Setting("flush.ms", Kind.LONG, str(LONG_MAX), "Time after which a sync to disk is forced.", 0,
            broker="log.flush.interval.ms"),
    Setting("follower.replication.throttled.replicas", Kind.LIST, "", "Replicas to throttle: there are none here.",
            choices=("",)),
    Setting("index.interval.bytes", Kind.INT, "4096", "How often the offset index gets an entry.", 0, INT_MAX,
            broker="log.index.interval.bytes"),
    Setting("leader.replication.throttled.replicas", Kind.LIST, "", "Replicas to throttle: there are none here.",
            choices=("",)),
    Setting("local.retention.bytes", Kind.LONG, "-2", "Tiered storage's local size: not offered.", -2, -2,
            broker="log.local.retention.bytes"),
    Setting("local.retention.ms", Kind.LONG, "-2", "Tiered storage's local time: not offered.", -2, -2,
            broker="log.local.retention.ms"),
    Setting("max.compaction.lag.ms", Kind.LONG, str(LONG_MAX), "The longest time a record stays uncompacted.", 1,
            broker="log.cleaner.max.compaction.lag.ms"),
    Setting("max.message.bytes", Kind.INT, "1048588", "The largest record batch, after compression.", 0, INT_MAX,
            broker="message.max.bytes"),
    Setting("message.timestamp.after.max.ms", Kind.LONG, "3600000", "How far ahead of the clock a timestamp may be.",
            0, broker="log.message.timestamp.after.max.ms"),
    Setting("message.timestamp.before.max.ms", Kind.LONG, str(LONG_MAX), "How far behind it may be.", 0,
            broker="log.message.timestamp.before.max.ms"),
    Setting("message.timestamp.type", Kind.STRING, "CreateTime", "Whose time a record bears.",
            choices=("CreateTime", "LogAppendTime"), broker="log.message.timestamp.type"),
    Setting("min.cleanable.dirty.ratio", Kind.DOUBLE, "0.5", "The share of uncompacted bytes that starts compaction.",
            0, 1, broker="log.cleaner.min.cleanable.ratio"),
    Setting("min.compaction.lag.ms", Kind.LONG, "0", "The shortest time a record stays uncompacted.", 0,
            broker="log.cleaner.min.compaction.lag.ms"),
    Setting("min.insync.replicas", Kind.INT, "1", "Replicas that must have a record: here there is one.", 1, 1,
            broker="min.insync.replicas"),
    Setting("penstock.delay.enable", Kind.BOOLEAN, "false",
            "penstock's own: a record's header deliver-at (epoch milliseconds) keeps it back until then."),
    Setting("preallocate", Kind.BOOLEAN, "false", "Whether segment files get their size when made.",
            broker="log.preallocate"),
    Setting("remote.log.copy.disable", Kind.BOOLEAN, "false", "Tiered storage: not offered."),
    Setting("remote.log.delete.on.disable", Kind.BOOLEAN, "false", "Tiered storage: not offered."),
    Setting("remote.storage.enable", Kind.BOOLEAN, "false", "Tiered storage: not offered.", choices=("false",)),
    Setting("retention.bytes", Kind.LONG, "-1", "The size above which a partition's oldest segments go; -1: none.",
            broker="log.retention.bytes"),
    Setting("retention.ms", Kind.LONG, "604800000", "The age at which segments go; -1: never.", -1,
            broker="log.retention.ms"),
    Setting("segment.bytes", Kind.INT, "1073741824", "The size at which a new segment file begins.", 1048576, INT_MAX,
            broker="log.segment.bytes"),
    Setting("segment.index.bytes", Kind.INT, "10485760", "The largest index file.", 4, INT_MAX,
            broker="log.index.size.max.bytes"),
    Setting("segment.jitter.ms", Kind.LONG, "0", "Spreads the moments at which segments begin.", 0,
            broker="log.roll.jitter.ms"),
    Setting("segment.ms", Kind.LONG, "604800000", "The age at which a new segment file begins.", 1,
            broker="log.roll.ms"),
    Setting("unclean.leader.election.enable", Kind.BOOLEAN, "false", "Replication: there is one node.",
            broker="unclean.leader.election.enable"),
)  # fmt: skip

SETTINGS = {setting.name: setting for setting in _TABLE}

NUMBERS = {Kind.INT: int, Kind.LONG: int, Kind.DOUBLE: float}


def wrong(name: str, value: str | None) -> str:
    """Why `value` cannot be set, as a sentence; empty where it can."""
    setting = SETTINGS.get(name)
    if setting is None:
        return f"Unknown topic config name: {name}"
    if value is None:
        return f"Null value not supported for topic configs: {name}"
    if setting.kind == Kind.BOOLEAN and value.strip().lower() not in ("true", "false"):
        return f"Invalid value {value} for configuration {name}: expected true or false"
    if setting.kind in NUMBERS:
        return _wrong_number(setting, value)
    parts = [part.strip() for part in value.split(",")] if setting.kind == Kind.LIST else [value]
    if setting.choices and not all(part in setting.choices for part in parts):
        return f"Invalid value {value} for configuration {name}: one of {', '.join(setting.choices) or 'nothing'}"
    return ""


def _wrong_number(setting: Setting, value: str) -> str:
    try:
        number = NUMBERS[setting.kind](value.strip())
    except ValueError:
        return f"Invalid value {value} for configuration {setting.name}: not a number of type {setting.kind.name}"
    if number in setting.holes:
        return f"Invalid value {value} for configuration {setting.name}"
    least = max(setting.least, -INT_MAX - 1) if setting.kind == Kind.INT else setting.least
    most = min(setting.most, LONG_MAX)
    if not least <= number <= most:
        return f"Invalid value {value} for configuration {setting.name}: must be from {least:g} to {most:g}"
    return ""
