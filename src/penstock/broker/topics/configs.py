"""Answers DescribeConfigs: a topic's settings, or the broker's, with defaults, types and docs."""

from collections.abc import Iterable

from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.broker.topics.config_table import SETTINGS, Kind, Setting
from penstock.broker.topics.names import wrong_name
from penstock.calls import ConfigEntry, DescribeConfigs
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import LogOptions

OF_TOPIC, STATIC, DEFAULT = 1, 4, 5  # Kafka's ConfigSource
NODE_ID = "1"

UNSET = {"log.retention.ms", "log.roll.ms", "log.roll.jitter.ms", "log.flush.interval.ms"}
"""Settings of Kafka's that have no value of their own until somebody sets them: they stand above one in hours."""

Entries = tuple[ConfigEntry, ...]


@answers(DescribeConfigs)
def describe_configs(state: State, call: DescribeConfigs, now: Now) -> list[Entries | Refused]:
    """One answer a resource; names that nobody knows are left out, as in Kafka."""
    return [_describe(state, kind, name, keys) for kind, name, keys in call.resources]


def _describe(state: State, kind: str, name: str, keys: tuple[str, ...] | None) -> Entries | Refused:
    if kind == "broker":
        if name not in ("", NODE_ID):
            return Refused(
                Refusal.BAD_REQUEST, f"Unexpected broker id, expected {NODE_ID}, but received {name}"
            )
        return _chosen(broker_entries(state), keys)
    if kind != "topic":
        return Refused(Refusal.BAD_REQUEST, f"resources of kind {kind} have no settings here")
    if words := wrong_name(name):
        return Refused(Refusal.BAD_TOPIC_NAME, words)
    topic = state.log.topics.get(name)
    if topic is None:
        return Refused(Refusal.NO_TOPIC, name)
    return _chosen((_topic_entry(state, setting, topic.configs) for setting in SETTINGS.values()), keys)


def _chosen(entries: Iterable[ConfigEntry], keys: tuple[str, ...] | None) -> Entries:
    return tuple(entry for entry in entries if keys is None or entry.name in keys)


def _topic_entry(state: State, setting: Setting, own: dict[str, str]) -> ConfigEntry:
    below = broker_value(state, setting)
    value, source = (own[setting.name], OF_TOPIC) if setting.name in own else below
    nameless = below[1] == DEFAULT and setting.broker in UNSET
    named = None if nameless else (setting.broker or setting.name, *below)
    return ConfigEntry(setting.name, value, source, type=setting.kind, doc=setting.doc, below=named)


def broker_value(state: State, setting: Setting) -> tuple[str, int]:
    """What holds for topics without their own: the broker's setting where it was changed, else the default."""
    value = state.facts.get(setting.broker) or _options(state).get(setting.broker, (setting.default,))[0]
    return value, DEFAULT if value == setting.default else STATIC


def facts_of(log: LogOptions) -> dict[str, str]:
    """The log's options as broker settings: what a topic without settings of its own really gets."""
    return {
        "log.segment.bytes": str(log.segment_bytes),
        "log.roll.ms": str(log.segment_ms),
        "log.retention.ms": str(log.retention_ms),
        "log.retention.bytes": str(log.retention_bytes),
        "log.index.interval.bytes": str(log.index_interval_bytes),
    }


def _options(state: State) -> dict[str, tuple[str, Kind, str]]:
    """The broker's settings that penstock's own options stand for: (value, type, what it does)."""
    options = state.options
    return {
        "auto.create.topics.enable": (_flag(options.auto_create_topics), Kind.BOOLEAN, "Topics come into being when asked for."),
        "num.partitions": (str(options.default_partitions), Kind.INT, "Partitions where a topic's creator names no number."),
        "message.max.bytes": (str(options.message_bytes_max), Kind.INT, "The largest record batch."),
        "fetch.max.bytes": (str(options.fetch_bytes_max), Kind.INT, "The most bytes of one fetch."),
        "offsets.topic.num.partitions": (str(options.offsets_partitions), Kind.INT, "Partitions of __consumer_offsets."),
        "offsets.retention.minutes": (str(options.offsets_retention_s // 60), Kind.INT, "How long an empty group's offsets stay."),
        "offset.metadata.max.bytes": (str(options.offset_metadata_bytes_max), Kind.INT, "The longest text beside an offset."),
        "group.initial.rebalance.delay.ms": (str(options.group_initial_delay_ms), Kind.INT, "How long a new group gathers members."),
        "group.min.session.timeout.ms": (str(options.group_session_timeout_min_ms), Kind.INT, "The shortest session timeout."),
        "group.max.session.timeout.ms": (str(options.group_session_timeout_max_ms), Kind.INT, "The longest session timeout."),
        "group.max.size": (str(options.group_members_max), Kind.INT, "The most members of a group."),
        "producer.id.expiration.ms": (str(options.producer_expiry_s * 1000), Kind.INT, "How long a silent producer is remembered."),
    }  # fmt: skip


FIXED = {
    "broker.id": (NODE_ID, Kind.INT, "The node's number."),
    "node.id": (NODE_ID, Kind.INT, "The node's number."),
    "process.roles": ("broker,controller", Kind.LIST, "One node is both."),
    "default.replication.factor": ("1", Kind.INT, "There is one node."),
    "offsets.topic.replication.factor": ("1", Kind.INT, "There is one node."),
    "transaction.state.log.replication.factor": ("1", Kind.INT, "There is one node."),
    "delete.topic.enable": ("true", Kind.BOOLEAN, "Topics may be deleted."),
    "log.retention.hours": ("168", Kind.INT, "The age at which segments go, unless log.retention.ms is set."),
    "group.coordinator.rebalance.protocols": ("classic", Kind.LIST, "The group protocols offered."),
}


def broker_entries(state: State) -> list[ConfigEntry]:
    """The broker's settings: its options, its topics' defaults, what the process knows of itself."""
    known = (
        {s.broker: (s.default, s.kind, s.doc) for s in SETTINGS.values() if s.broker}
        | FIXED
        | _options(state)
    )
    entries = [
        ConfigEntry(name, state.facts.get(name, value), STATIC, read_only=True, type=kind, doc=doc)
        for name, (value, kind, doc) in known.items()
    ]
    entries += [
        ConfigEntry(n, v, STATIC, read_only=True, type=Kind.STRING)
        for n, v in state.facts.items()
        if n not in known
    ]
    return sorted(entries, key=lambda entry: entry.name)


def _flag(on: bool) -> str:
    return "true" if on else "false"
