"""Answers AlterConfigs: settings set, deleted, lists appended to and subtracted from. They hold from the next append on.

As in Kafka's ConfigurationControlManager: a resource's changes are made together or not at all, and checked by the
table of settings. The broker's own settings come from its configuration and are read-only.
"""

from collections import Counter
from collections.abc import Mapping

from penstock.broker.answers import answers
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.config_table import SETTINGS, Kind, wrong
from penstock.broker.topics.configs import NODE_ID, broker_value
from penstock.broker.topics.internal import RESERVED
from penstock.broker.topics.names import wrong_name
from penstock.calls import AlterConfigs, AlteredResource, ConfigChange
from penstock.clock import Now
from penstock.errors import Refusal, Refused

HOWS = ("set", "delete", "append", "subtract")


@answers(AlterConfigs)
def alter_configs(state: State, call: AlterConfigs, now: Now) -> list[Refused | None]:
    """One answer a resource; one that stands in the request twice is refused each time."""
    times = Counter((resource.kind, resource.name) for resource in call.resources)
    return [
        Refused(Refusal.BAD_REQUEST, "Each resource must appear at most once.")
        if times[resource.kind, resource.name] > 1
        else _alter(state, resource, call.check_only)
        for resource in call.resources
    ]


def _alter(state: State, resource: AlteredResource, check_only: bool) -> Refused | None:
    refused = _refused(state, resource)
    if refused or resource.kind == "broker":
        return refused
    topic = state.log.topics[resource.name]
    configs = _changed(state, {} if resource.replace else topic.configs, resource.changes)
    if isinstance(configs, Refused):
        return configs
    for name, value in configs.items():
        if words := wrong(name, value):
            return Refused(Refusal.BAD_CONFIG, words)
    if check_only or configs == topic.configs:
        return None
    try:
        state.log.set_configs(resource.name, configs)
    except DISK_ERRORS as error:
        return refused_by(error)
    return None


def _refused(state: State, resource: AlteredResource) -> Refused | None:
    names = [change.name for change in resource.changes]
    if len(set(names)) < len(names):
        return Refused(Refusal.BAD_REQUEST, "Error due to duplicate config keys")
    if any(change.how not in HOWS for change in resource.changes):
        return Refused(Refusal.BAD_REQUEST, "Unknown operation type")
    null = [change.name for change in resource.changes if change.value is None and change.how != "delete"]
    if null:
        return Refused(Refusal.BAD_REQUEST, f"Null value not supported for : {', '.join(null)}")
    if resource.kind == "broker":
        return _refused_broker(resource)
    if resource.kind != "topic":
        return Refused(Refusal.BAD_REQUEST, f"resources of kind {resource.kind} have no settings here")
    if words := wrong_name(resource.name):
        return Refused(Refusal.BAD_TOPIC_NAME, words)
    if resource.name not in state.log.topics:
        return Refused(Refusal.NO_TOPIC, f"The topic '{resource.name}' does not exist.")
    if resource.name in RESERVED:
        return Refused(Refusal.BAD_REQUEST, f"the broker itself needs {resource.name} as it is")
    return None


def _refused_broker(resource: AlteredResource) -> Refused | None:
    if resource.name not in ("", NODE_ID):
        return Refused(
            Refusal.BAD_REQUEST, f"Unexpected broker id, expected {NODE_ID}, but received {resource.name}"
        )
    if not resource.changes:
        return None
    names = ", ".join(change.name for change in resource.changes)
    return Refused(Refusal.READ_ONLY, f"{names}: set it in penstock.toml and restart the broker")


def _changed(
    state: State, own: Mapping[str, str], changes: tuple[ConfigChange, ...]
) -> dict[str, str] | Refused:
    configs = dict(own)
    for change in changes:
        if change.how == "delete":  # of a name that nobody knows too, as in Kafka
            configs.pop(change.name, None)
            continue
        value = change.value or ""
        if change.how in ("append", "subtract"):
            setting = SETTINGS.get(change.name)
            if setting is None or setting.kind is not Kind.LIST:
                words = f"Can't {change.how} to key {change.name} because its type is not LIST."
                return Refused(Refusal.BAD_CONFIG, words)
            present = configs.get(change.name, broker_value(state, setting)[0])
            value = _listed(present, value, change.how)
        configs[change.name] = value
    return configs


def _listed(present: str, value: str, how: str) -> str:
    words = [word.strip() for word in present.split(",") if word.strip()]
    for word in (word.strip() for word in value.split(",")):
        if how == "append" and word not in words:
            words.append(word)
        elif how == "subtract" and word in words:
            words.remove(word)
    return ",".join(words)
