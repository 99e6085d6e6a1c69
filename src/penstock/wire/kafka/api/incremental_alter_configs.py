"""IncrementalAlterConfigs: settings of a topic one by one (KIP-339).

0: first; 1: flexible.
"""

from typing import Any, Final

from penstock.calls import AlteredResource, ConfigChange
from penstock.wire.kafka.altered import alter
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import Request, Steps, api

OPERATIONS: Final = {0: "set", 1: "delete", 2: "append", 3: "subtract"}


@api(key=44, versions=(0, 1))
def incremental_alter_configs(request: Request) -> Steps:
    """One result a distinct resource."""
    row: Row = yield from alter(request, _altered)
    return row


def _altered(kind: str, resource: Any) -> AlteredResource:
    changes = tuple(
        ConfigChange(config.name, config.value, OPERATIONS.get(config.config_operation, "?"))
        for config in resource.configs
    )
    return AlteredResource(kind, resource.resource_name, changes)
