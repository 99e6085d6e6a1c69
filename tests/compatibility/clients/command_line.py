"""librdkafka 2.0 by kcat: what its command line can say."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence

from tests.compatibility.clients.verbs import BEAT_MS, WAIT_S, Client, Member, NotOffered, Seen, Sent


def says_nonce_twice() -> bool:
    """Whether kcat is there, with a librdkafka (before 2.2) that repeats its own part of SCRAM's nonce."""
    if shutil.which("kcat") is None:
        return False
    told = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"librdkafka (\d+)\.(\d+)", told)
    return found is not None and (int(found[1]), int(found[2])) < (2, 2)


class KcatMember(Member):
    """`kcat -G`; its assignment is what it says on standard error."""

    def __init__(self, words: list[str], topic: str) -> None:
        self._process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        self._topic, self._seen, self._parts = topic, list[bytes | None](), set[int]()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._values, self._news)]
        for thread in self._threads:
            thread.start()

    def _values(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._seen.append(line.rstrip(b"\n"))

    def _news(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            told = re.search(r"rebalanced.*?(assign|revoke).*: (.*)$", line.decode())
            if told:
                parts = {
                    int(number) for number in re.findall(re.escape(self._topic) + r" \[(\d+)\]", told[2])
                }
                self._parts = self._parts | parts if told[1] == "assign" else self._parts - parts

    def assigned(self) -> set[int]:
        return self._parts

    def seen(self) -> list[bytes | None]:
        return list(self._seen)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(WAIT_S)


class Kcat(Client):
    """Produces from standard input, reads as JSON, joins groups; no admin calls."""

    name, library = "kcat", "librdkafka 2.0"

    @staticmethod
    def missing() -> str:
        return "" if shutil.which("kcat") else "kcat is not installed"

    def _words(self, **settings: str) -> list[str]:
        given = {"security.protocol": self.place.protocol.lower()}
        if self.place.mechanism:
            given |= {"sasl.mechanism": self.place.mechanism, "sasl.username": self.place.user}
            given |= {"sasl.password": self.place.password}
        if self.place.authority:
            given["ssl.ca.location"] = self.place.authority
        given |= {key.replace("_", "."): value for key, value in settings.items()}
        return ["kcat", "-b", self.place.address, *(w for k, v in given.items() for w in ("-X", f"{k}={v}"))]

    def _run(self, words: list[str], given: bytes = b"") -> bytes:
        ran = subprocess.run(words, input=given, capture_output=True, timeout=WAIT_S, check=False)
        assert ran.returncode == 0, ran.stderr.decode()[-500:]
        return ran.stdout

    def produce(
        self, topic: str, records: Sequence[Sent], codec: str = "none", idempotent: bool = False
    ) -> list[int]:
        if any(record.at_ms is not None for record in records):
            raise NotOffered("its command line takes no timestamps")
        if any(record.value is None for record in records) and any(record.value == b"" for record in records):
            raise NotOffered("its command line sends empty values either all as null or none")
        null = ["-Z"] if any(None in (record.value, record.key) for record in records) else []
        headers = [word for key, value in records[0].headers for word in ("-H", f"{key}={value.decode()}")]
        lines = b"".join((r.key or b"") + b"\t" + (r.value or b"") + b"\n" for r in records)
        self._run(
            [*self._words(enable_idempotence=str(idempotent).lower(), message_max_bytes="4194304"), "-P", "-t", topic, "-K", "\t",
             "-z", codec, "-p", str(records[0].partition), *null, *headers], lines,
        )  # fmt: skip
        return []

    def read(self, topic: str, count: int, *, committed: bool = False, start: int = 0) -> list[Seen]:
        level = "read_committed" if committed else "read_uncommitted"
        words = ["-C", "-t", topic, "-p", "0", "-o", str(start), "-c", str(count), "-J", "-q"]
        lines = self._run([*self._words(isolation_level=level), *words]).splitlines()
        return [self._seen(json.loads(line)) for line in lines]

    @staticmethod
    def _seen(told: dict) -> Seen:
        def plain(text: str | None) -> bytes | None:
            return None if text is None else text.encode()

        pairs = told.get("headers") or []
        headers = tuple((pairs[i], pairs[i + 1].encode()) for i in range(0, len(pairs), 2))
        return Seen(
            told["partition"], told["offset"], plain(told["key"]), plain(told["payload"]), told["ts"], headers
        )

    def member(self, topic: str, group: str, strategy: str = "range", instance: str = "") -> Member:
        if strategy == "sticky":
            raise NotOffered("librdkafka is sticky in the cooperative protocol only")
        settings = {"partition_assignment_strategy": strategy, "auto_offset_reset": "earliest"}
        settings |= {"heartbeat_interval_ms": str(BEAT_MS)}
        settings |= {"group_instance_id": instance} if instance else {}
        return KcatMember([*self._words(**settings), "-u", "-G", group, topic], topic)

    def partitions(self, topic: str) -> int:
        told = json.loads(
            self._run([*self._words(allow_auto_create_topics="false"), "-L", "-J", "-t", topic])
        )
        return next((len(found["partitions"]) for found in told["topics"] if found["topic"] == topic), 0)

    def offset_at(self, topic: str, at_ms: int) -> int:
        asked = {-1: -2, -2: -1}.get(at_ms, at_ms)
        told = self._run([*self._words(), "-Q", "-t", f"{topic}:0:{asked}"]).decode()
        return int(told.split()[-1])
