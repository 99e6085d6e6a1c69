"""Kafka's own Java client, in one JVM that is driven by lines of JSON (JavaDriver.java)."""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.oracle import kafka as oracle

from tests.compatibility.clients.verbs import Client, Member, Place, Seen, Sent, until


class JavaMember(Member):
    """A consumer thread in the driver's JVM."""

    def __init__(self, client: "Java", number: int) -> None:
        self._client, self._number = client, number

    def assigned(self) -> set[int]:
        return set(self._client.ask("assigned", member=self._number))

    def seen(self) -> list[bytes | None]:
        return [plain(value) for value in self._client.ask("seen", member=self._number)]

    def close(self) -> None:
        self._client.ask("leave", member=self._number)


class Java(Client):
    """Every verb."""

    name, library = "Java", f"kafka-clients {oracle.VERSION}"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        program = str(Path(__file__).with_name("JavaDriver.java"))
        self._process = subprocess.Popen(
            oracle.java(
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", program, *self._settings(), heap="256m"
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @staticmethod
    def missing() -> str:
        return oracle.missing()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _settings(self) -> list[str]:
        given = ["bootstrap.servers", self.place.address, "security.protocol", self.place.protocol]
        if self.place.mechanism:
            module = "plain.PlainLoginModule" if self.place.mechanism == "PLAIN" else "scram.ScramLoginModule"
            who = f'username="{self.place.user}" password="{self.place.password}"'
            login = f"org.apache.kafka.common.security.{module} required {who};"
            given += ["sasl.mechanism", self.place.mechanism, "sasl.jaas.config", login]
        if self.place.authority:
            given += ["ssl.truststore.type", "PEM", "ssl.truststore.location", self.place.authority]
        return given

    def ask(self, verb: str, **more: Any) -> Any:
        """One line there and one back; raises AssertionError with the exception's name and message."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"verb": verb} | more) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline() or '{"error": "the JVM ended"}')
        assert "error" not in said, said["error"]
        return said["answer"]

    def produce(
        self, topic: str, records: Sequence[Sent], codec: str = "none", idempotent: bool = False
    ) -> list[int]:
        told = [told_of(record) for record in records]
        return self.ask("produce", topic=topic, records=told, codec=codec, idempotent=idempotent)

    def read(self, topic: str, count: int, *, committed: bool = False, start: int = 0) -> list[Seen]:
        return [
            Seen(
                told["partition"], told["offset"], plain(told["key"]), plain(told["value"]), told["at_ms"],
                tuple((key, base64.b64decode(value)) for key, value in told["headers"]),
            )
            for told in self.ask("read", topic=topic, count=count, committed=committed, start=start)
        ]  # fmt: skip

    def member(self, topic: str, group: str, strategy: str = "range", instance: str = "") -> Member:
        return JavaMember(
            self, self.ask("join", topic=topic, group=group, strategy=strategy, instance=instance)
        )

    def transact(
        self, name: str, topic: str, records: Sequence[Sent], commit: bool, offsets: tuple[str, str, int] | None = None,
    ) -> None:  # fmt: skip
        told = [told_of(record) for record in records]
        self.ask("transact", name=name, topic=topic, records=told, commit=commit, offsets=offsets)

    def fenced(self, name: str, topic: str) -> bool:
        return bool(self.ask("fenced", name=name, topic=topic))

    def create(self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        self.ask("create", topic=topic, partitions=partitions, configs=dict(configs or {}))
        until(lambda: self.partitions(topic) == partitions, f"topic {topic}")

    def delete(self, topic: str) -> None:
        self.ask("delete", topic=topic)

    def partitions(self, topic: str) -> int:
        return int(self.ask("partitions", topic=topic))

    def configs(self, topic: str) -> dict[str, str]:
        return dict(self.ask("configs", topic=topic))

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        self.ask("configure", topic=topic, configs=dict(configs))

    def grow(self, topic: str, partitions: int) -> None:
        self.ask("grow", topic=topic, partitions=partitions)

    def delete_records(self, topic: str, before: int) -> int:
        return int(self.ask("delete_records", topic=topic, before=before))

    def group_state(self, group: str) -> str:
        return str(self.ask("group_state", group=group)).lower()

    def delete_group(self, group: str) -> None:
        self.ask("delete_group", group=group)

    def group_offset(self, group: str, topic: str) -> int:
        return int(self.ask("group_offset", group=group, topic=topic))

    def set_group_offset(self, group: str, topic: str, offset: int) -> None:
        self.ask("set_group_offset", group=group, topic=topic, offset=offset)

    def offset_at(self, topic: str, at_ms: int) -> int:
        return int(self.ask("offset_at", topic=topic, at_ms=at_ms))


def plain(value: str | None) -> bytes | None:
    """Bytes as Jackson writes them."""
    return None if value is None else base64.b64decode(value)


def told_of(record: Sent) -> dict[str, Any]:
    """A record as the driver reads it."""

    def packed(value: bytes | None) -> str | None:
        return None if value is None else base64.b64encode(value).decode()

    return {
        "value": packed(record.value), "key": packed(record.key), "at_ms": record.at_ms, "partition": record.partition,
        "headers": [[key, packed(value)] for key, value in record.headers],
    }  # fmt: skip
