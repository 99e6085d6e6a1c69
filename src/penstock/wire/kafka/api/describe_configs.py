"""DescribeConfigs: the settings of topics and of the broker.

1: sources and synonyms; 3: types and documentation; 4: flexible.
"""

from collections.abc import Iterator
from typing import Any, Final

from penstock.calls import ConfigEntry, DescribeConfigs
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import Request, Steps, api, each

OF_TOPIC: Final = 1
BROKER: Final = 4
KINDS: Final = {2: "topic", BROKER: "broker"}
UNKNOWN_KIND: Final = Refused(Refusal.BAD_REQUEST, "only topics (2) and the broker (4) have settings here")


@api(key=32, versions=(1, 4))
def describe_configs(request: Request) -> Steps:
    """One result a resource."""
    q = request.message
    # Each once: a small request that repeats a name would have a huge answer.
    resources = list({(r.resource_type, r.resource_name): r for r in q.resources}.values())
    # Kafka takes an empty list of keys, as null, for all of them.
    asked = tuple(
        (
            KINDS[r.resource_type],
            r.resource_name,
            tuple(r.configuration_keys) if r.configuration_keys else None,
        )
        for r in resources
        if r.resource_type in KINDS
    )
    found: Iterator[Any] = iter(())
    if asked:
        found = iter(each((yield DescribeConfigs(request.principal, asked)), len(asked)))
    results = [next(found) if r.resource_type in KINDS else UNKNOWN_KIND for r in resources]
    documented, synonyms = request.get("include_documentation", False), q.include_synonyms
    rows = []
    for resource, result in zip(resources, results, strict=True):
        entries = () if isinstance(result, Refused) else result
        rows.append(
            {
                "error_code": code(DescribeConfigs, result),
                "error_message": text(result),
                "resource_type": resource.resource_type,
                "resource_name": resource.resource_name,
                "configs": [
                    _entry_row(entry, synonyms, documented, resource.resource_type == BROKER)
                    for entry in entries
                ],
            }
        )
    return {"results": rows}


def _entry_row(entry: ConfigEntry, synonyms: bool, documented: bool, own: bool) -> Row:
    value = None if entry.sensitive else entry.value
    # A topic's setting that is the broker's is told under the broker's name for it alone.
    held: list[tuple[str, str | None, int]] = []
    if own or entry.source == OF_TOPIC:
        held.append((entry.name, value, entry.source))
    held += [entry.below] if entry.below else []
    same = [{"name": name, "value": told, "source": source} for name, told, source in held]
    return {
        "name": entry.name,
        "value": value,
        "read_only": entry.read_only,
        "config_source": entry.source,
        "is_sensitive": entry.sensitive,
        "synonyms": same if synonyms else (),
        "config_type": entry.type,
        "documentation": entry.doc if documented else None,
    }
