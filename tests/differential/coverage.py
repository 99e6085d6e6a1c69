"""What one exchange with a server covers: its API with each error in the answer, and what else a client can tell by.

Facts are short sentences, computed from the request and the answer alone, so that no scenario says of itself what it
covers. Knows messages; knows neither sockets nor scenarios.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock import record
from penstock.compression import GZIP, LZ4, NONE, SNAPPY, ZSTD
from penstock.wire.kafka import support

FRAME_BYTES_MAX: Final = 100 << 20
CODECS: Final = {NONE: "plain", GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}
SPECIAL: Final = {
    -1: "the end",
    -2: "the start",
    -3: "the largest timestamp",
    -4: "the local start",
    -5: "the tiered end",
}
LONG_MS: Final = 700
"""A wait that is long enough to tell, on a busy machine too, whether it ended early."""
OPERATIONS: Final = ("SET", "DELETE", "APPEND", "SUBTRACT")


def name_of(api_key: int) -> str:
    """An API's name; of one that nobody knows, its number."""
    known = support.SUPPORTED.get(api_key) or support.REFUSED.get(api_key)
    return known[0] if known else f"API {api_key}"


def error_name(code: int) -> str:
    """Kafka's name of an error, in Kafka's capitals."""
    return ErrorCode(code).name.upper()


def facts(api_key: int, values: dict[str, Any], answer: Any, took_s: float = 0) -> set[str]:
    """What this exchange covers. `answer` is plain values, None where the server closed the connection."""
    name = name_of(api_key)
    if answer is None:
        return {f"{name}: the connection is closed"}
    found = {f"{name}: {error_name(code)}" for code in set(errors(answer)) or {0}}
    look = LOOKS.get(api_key)
    if values.get("max_wait", 0) >= LONG_MS:
        found.add(
            f"{name}: {'waited to its end' if took_s * 1000 >= values['max_wait'] * 0.9 else 'waited no longer'}"
        )
    return found | {f"{name}: {what}" for what in look(values, answer)} if look else found


def errors(value: Any) -> Iterator[int]:
    """Every error code in an answer."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key.endswith("error_code"):
                yield each
            else:
                yield from errors(each)
    elif isinstance(value, list):
        for each in value:
            yield from errors(each)


def raw(data: bytes, frame: bytes | None) -> str:
    """What bytes that no client would send were met with."""
    size, key, version = struct.unpack_from(">ihh", data.ljust(8, b"\0"))
    if size < 0 or size > FRAME_BYTES_MAX:
        what = f"a frame of {'negative' if size < 0 else 'too many'} bytes"
    elif key not in support.SUPPORTED:
        what = "a request of an API that nobody knows"
    elif version > support.SUPPORTED[key][2] + 20:
        what = f"{name_of(key)} in a version that nobody knows"
    else:
        what = f"{name_of(key)} with a malformed body"
    return f"{what}: {'the connection is closed' if frame is None else 'an answer'}"


def _fetched(values: dict[str, Any], answer: Any) -> Iterator[str]:
    if values.get("session_epoch", -1) >= 0:
        yield f"in a session{', first' if values['session_epoch'] == 0 else ''}"
    most = [p["partition_max_bytes"] for topic in values["topics"] for p in topic["partitions"]]
    for topic in answer.get("responses", ()):
        for part in topic["partitions"]:
            yield from _part(part)
            if len(part.get("records") or b"") > min([values["max_bytes"], *most]):
                yield "a first batch larger than what was allowed"


def _part(part: dict[str, Any]) -> Iterator[str]:
    if part.get("aborted_transactions"):
        yield "aborted transactions are listed"
    if 0 <= part.get("last_stable_offset", -1) < part["high_watermark"]:
        yield "the last stable offset stays below the high watermark"
    if part.get("log_start_offset", -1) > 0:
        yield "the log starts above 0"
    data = part.get("records") or b""
    for info in record.scan(data):
        yield f"{CODECS[info.codec]} batch"
        yield from _batch(info)
        for one in record.decode(data[info.position : info.position + info.size]):
            yield from _record(info, one)


def _batch(info: record.BatchInfo) -> Iterator[str]:
    if info.log_append_time:
        yield "timestamps of the broker's"
    if info.transactional and not info.control:
        yield "transactional batch"
    if info.count == 0:
        yield "batch without records, kept for its producer"
    elif info.count < info.last_offset_delta + 1:
        yield "batch with gaps"
    if info.attributes & 0x40:
        yield "batch with a delete horizon"


def _record(info: record.BatchInfo, one: record.Record) -> Iterator[str]:
    if info.control:
        kind = struct.unpack_from(">h", one.key or b"\0\0", 2)[0]
        yield "commit marker" if kind == 1 else "abort marker"
    elif one.key is not None and one.value is None:
        yield "tombstone"
    if one.headers:
        yield "record with headers"


def _listed(values: dict[str, Any], answer: Any) -> Iterator[str]:
    asked = [p["timestamp"] for topic in values["topics"] for p in topic["partitions"]]
    found = [p for topic in answer["topics"] for p in topic["partitions"]]
    if len(asked) != len(found):
        return
    committed = " of what is committed" if values.get("isolation_level") else ""
    for at_ms, part in zip(asked, found, strict=True):
        if part["error_code"] == 0:
            later = " after the last record" if part["offset"] == -1 else ""
            yield (f"{SPECIAL[at_ms]}" if at_ms in SPECIAL else f"a time{later}") + committed


def _altered(values: dict[str, Any], answer: Any) -> Iterator[str]:
    for resource, result in zip(values["resources"], answer["responses"], strict=False):
        for change in resource["configs"]:
            if "config_operation" in change:
                yield f"{OPERATIONS[change['config_operation']]} {error_name(result['error_code'])}"
    yield from _checked(values, answer)


def _checked(values: dict[str, Any], answer: Any) -> Iterator[str]:
    if values.get("validate_only"):
        yield from {f"only checked: {error_name(code)}" for code in errors(answer)}


def _described(values: dict[str, Any], answer: Any) -> Iterator[str]:
    for resource, result in zip(values["resources"], answer["results"], strict=False):
        kind = {2: "a topic", 4: "a broker", 8: "a broker's logger"}.get(
            resource["resource_type"], "another resource"
        )
        yield f"{kind}: {error_name(result['error_code'])}"
        yield from {"with synonyms" for each in result["configs"] if each.get("synonyms")}


def _found(values: dict[str, Any], answer: Any) -> Iterator[str]:
    kind = {0: "a group's", 1: "a transactional id's"}.get(values.get("key_type", 0), "nobody's")
    yield from {f"{kind}: {error_name(code)}" for code in errors(answer)}


def _joined(values: dict[str, Any], answer: Any) -> Iterator[str]:
    if answer.get("skip_assignment"):
        yield "the leader need not assign"
    if len(answer["members"]) > 1:
        yield "a leader of several"


def _metadata(values: dict[str, Any], answer: Any) -> Iterator[str]:
    for topic in answer["topics"]:
        if topic.get("is_internal"):
            yield "an internal topic"
        if topic.get("topic_authorized_operations", -(1 << 31)) >= 0:
            yield "what the client may do"
    if values.get("allow_auto_topic_creation") and any(t["error_code"] == 0 for t in answer["topics"]):
        yield "a topic made by asking"


def _offsets(values: dict[str, Any], answer: Any) -> Iterator[str]:
    if len(answer.get("groups", ())) > 1:
        yield "several groups"


def _produced(values: dict[str, Any], answer: Any) -> Iterator[str]:
    if values.get("acks") == 1:
        yield "acknowledged by the leader alone"


LOOKS: Final[dict[int, Callable[[dict[str, Any], Any], Iterator[str]]]] = {
    0: _produced, 1: _fetched, 2: _listed, 3: _metadata, 9: _offsets, 10: _found, 11: _joined, 19: _checked, 32: _described, 33: _checked, 37: _checked,
    44: _altered,
}  # fmt: skip
"""What is told apart besides errors, by API key."""
