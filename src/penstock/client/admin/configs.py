"""Topics' settings: read them, change some of them.

Knows the requests for it; knows nothing of what a setting means.
"""

from collections.abc import Sequence

from penstock.calls import ConfigChange, ConfigEntry
from penstock.client.admin.asking import Asking
from penstock.client.errors import failure

_TOPIC = 2  # Kafka's ConfigResource.Type
_HOW = {"set": 0, "delete": 1, "append": 2, "subtract": 3}  # AlterConfigOp.OpType


class Configs(Asking):
    """The part of a client that looks after topics' settings."""

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """A topic's settings, defaults included."""
        return {entry.name: entry.value for entry in await self.topic_settings(name)}

    async def topic_settings(self, name: str) -> list[ConfigEntry]:
        """A topic's settings with where each comes from, by name."""
        resource = {"resource_type": _TOPIC, "resource_name": name, "configuration_keys": None}
        row = {"resources": [resource], "include_synonyms": False, "include_documentation": False}

        async def attempt() -> list[ConfigEntry]:
            answer = await self._cluster.ask_any("DescribeConfigs", row)
            result = answer.results[0]
            if result.error_code:
                raise failure(result.error_code, f"describe the topic {name}", result.error_message)
            found = [
                ConfigEntry(c.name, c.value, c.config_source, c.read_only, c.is_sensitive)
                for c in result.configs
            ]
            return sorted(found, key=lambda entry: entry.name)

        return await self._cluster.persist(attempt)

    async def alter_topic(
        self, name: str, changes: Sequence[ConfigChange], *, check_only: bool = False
    ) -> None:
        """Change some of a topic's settings, all or none (KIP-339); with `check_only` only ask whether it may be."""
        configs = [{"name": c.name, "config_operation": _HOW[c.how], "value": c.value} for c in changes]
        resource = {"resource_type": _TOPIC, "resource_name": name, "configs": configs}
        row = {"resources": [resource], "validate_only": check_only}

        async def attempt() -> None:
            answer = await self._cluster.ask_controller("IncrementalAlterConfigs", row)
            result = answer.responses[0]
            if result.error_code:
                raise failure(result.error_code, f"configure the topic {name}", result.error_message)

        await self._cluster.persist(attempt)
