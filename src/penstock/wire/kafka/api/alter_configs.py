"""AlterConfigs: all settings of a topic at once; what is not named goes back to its default.

0: first; 1: throttle behaviour; 2: flexible.
"""

from typing import Any

from penstock.calls import AlteredResource, ConfigChange
from penstock.wire.kafka.altered import alter
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import Request, Steps, api


@api(key=33, versions=(0, 2))
def alter_configs(request: Request) -> Steps:
    """One result a distinct resource."""
    row: Row = yield from alter(request, _altered)
    return row


def _altered(kind: str, resource: Any) -> AlteredResource:
    changes = tuple(ConfigChange(config.name, config.value) for config in resource.configs)
    return AlteredResource(kind, resource.resource_name, changes, replace=True)
