"""A topic's settings as an append reads them: typed, with defaults filled in.

Knows the table of settings; knows no log. `TopicSettings` keeps what was worked out until the configs change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.broker.topics.config_table import SETTINGS
from penstock.compression import GZIP, LZ4, NONE, SNAPPY, ZSTD

CODECS = {"uncompressed": NONE, "gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}


@dataclass(frozen=True, slots=True)
class Settings:
    """What one topic does to appends; `codec` of None keeps the producer's."""

    message_bytes_max: int
    segment_bytes: int
    log_append_time: bool
    before_max_ms: int
    after_max_ms: int
    codec: int | None
    compacted: bool
    deletes: bool
    delays: bool


def settings_of(configs: Mapping[str, str], message_bytes_max: int) -> Settings:
    """`message_bytes_max` is the broker's, for a topic without its own."""
    own = {"max.message.bytes": str(message_bytes_max), **configs}

    def value(name: str) -> str:
        return own.get(name, SETTINGS[name].default).strip()

    policies = [policy.strip() for policy in value("cleanup.policy").split(",")]
    return Settings(
        message_bytes_max=int(value("max.message.bytes")),
        segment_bytes=int(value("segment.bytes")),
        log_append_time=value("message.timestamp.type") == "LogAppendTime",
        before_max_ms=int(value("message.timestamp.before.max.ms")),
        after_max_ms=int(value("message.timestamp.after.max.ms")),
        codec=CODECS.get(value("compression.type")),
        compacted="compact" in policies,
        deletes="delete" in policies,
        delays=value("penstock.delay.enable").lower() == "true",
    )


class TopicSettings:
    """Settings by topic name, worked out once for each state of its configs."""

    def __init__(self, message_bytes_max: int) -> None:
        self._message_bytes_max = message_bytes_max
        self._kept: dict[str, tuple[dict[str, str], Settings]] = {}

    def of(self, topic: str, configs: Mapping[str, str]) -> Settings:
        """The settings under `configs`, which are the topic's present ones."""
        kept = self._kept.get(topic)
        if kept is None or kept[0] != configs:
            kept = self._kept[topic] = (dict(configs), settings_of(configs, self._message_bytes_max))
        return kept[1]

    def forget(self, topic: str) -> None:
        """The topic is gone."""
        self._kept.pop(topic, None)
