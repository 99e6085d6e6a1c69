"""Both directions of the codec against kio's own reader and writer, and its guard against hostile lengths."""

import datetime
import io
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kio.serial import entity_reader, entity_writer

from penstock.calls import Bytes
from penstock.wire.kafka import api as _apis  # noqa: F401
from penstock.wire.kafka.api.produce import read_produce
from penstock.wire.kafka.codec import (
    Header,
    decode_header,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    request_type,
    response_type,
)
from penstock.wire.kafka.encode import COPY_BYTES_MAX, Buffers, encode, write
from penstock.wire.kafka.guard import MalformedError, readable
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.shape import Shape, Slot, shape_of

MESSAGES = [
    kind(key, version)
    for key, api in sorted(OFFERED.items())
    for version in range(api.lowest, api.highest + 1)
    for kind in (request_type, response_type)
]
BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def values(slot: Slot) -> st.SearchStrategy[Any]:
    if slot.array:
        element = Slot(slot.name, slot.kind, False, False, None, None, slot.entity)
        array = st.lists(values(element), max_size=3)
        return st.none() | array if slot.nullable else array
    if slot.entity is not None:
        return rows(slot.entity)
    if slot.name.endswith("error_code"):
        return st.integers(-1, 100)
    if slot.name in ("throttle_time", "log_append_time", "timeout") or "time" in slot.name:
        return st.integers(0, 2**31 - 1)
    if slot.kind in BITS:
        return st.integers(-(2 ** (BITS[slot.kind] - 1)), 2 ** (BITS[slot.kind] - 1) - 1)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        "string": st.text(max_size=5) | st.text("é", min_size=70, max_size=70),
        "bytes": st.binary(max_size=5),
        "records": st.binary(max_size=300),
        "uuid": st.binary(min_size=16, max_size=16),
    }
    strings = slot.kind in ("string", "bytes", "records") and slot.nullable
    return st.none() | plain[slot.kind] if strings else plain[slot.kind]


def rows(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    given_always = {slot.name: values(slot) for slot in shape.plain}
    return st.fixed_dictionaries(given_always, optional={slot.name: values(slot) for slot in shape.tagged})


def kio_bytes(message: Any) -> bytes:
    out = io.BytesIO()
    entity_writer(type(message))(out, message)
    return out.getvalue()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: f"{m.__name__}{m.__version__}")
def test_rows_are_written_as_kio_writes_them(message: Any) -> None:
    @settings(max_examples=8, deadline=None, database=None)
    @given(rows(shape_of(message)))
    def written_alike(row: dict[str, Any]) -> None:
        data = encode(message, row)
        readable(message, memoryview(data), 0, 10_000)
        read, size = entity_reader(message)(data, 0)
        assert size == len(data)
        assert kio_bytes(read) == data

    written_alike()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: f"{m.__name__}{m.__version__}")
def test_the_guard_refuses_every_message_that_is_cut_short(message: Any) -> None:
    data = encode(message, example(shape_of(message)))
    readable(message, memoryview(data), 0, 10_000)
    for end in range(len(data)):
        with pytest.raises(MalformedError):
            readable(message, memoryview(data)[:end], 0, 10_000)


def example(shape: Shape) -> dict[str, Any]:
    """A row with one element in every array."""
    zeros: dict[str, Any] = {
        "string": "ab",
        "bytes": b"cd",
        "records": b"ef",
        "uuid": bytes(16),
        "bool": True,
    }

    def one(slot: Slot) -> Any:
        value = example(slot.entity) if slot.entity else zeros.get(slot.kind, 1)
        return [value] if slot.array else value

    return {slot.name: one(slot) for slot in (*shape.plain, *shape.tagged)}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: f"{m.__name__}{m.__version__}")
def test_no_damaged_byte_gets_past_the_guard_to_crash_the_process(message: Any) -> None:
    data = encode(message, example(shape_of(message)))
    header = Header(message.__api_key__, message.__version__, 1, "", 0)
    request = message.__name__.endswith("Request")
    for at in range(len(data)):
        for byte in (0x00, 0x7F, 0x80, 0xFF):
            damaged = memoryview(data[:at] + bytes([byte]) * 5 + data[at + 5 :])
            try:
                if request:
                    decode_request(header, damaged)
                else:
                    decode_response(header.api_key, header.version, bytes(5) + damaged)
            except MalformedError:
                pass


# Metadata request 9 and 1, Fetch request 12: an array of 2^31 - 1 elements, and of 2^31 by a tag.
@pytest.mark.parametrize(
    ("key", "version", "hexed"),
    [
        (3, 9, "ffffffff0f"),
        (3, 9, "ffffffff7f"),
        (3, 1, "7fffffff"),
        (3, 1, "fffffffe"),
        (3, 9, "010100000100ffffffff0f"),
    ],
)
def test_a_length_that_is_only_announced_is_refused(key: int, version: int, hexed: str) -> None:
    with pytest.raises(MalformedError):
        decode_request(Header(key, version, 1, "", 0), memoryview(bytes.fromhex(hexed)))


def test_a_message_with_more_elements_than_allowed_is_refused() -> None:
    names = encode(request_type(3, 9), {"topics": [{"name": ""}] * 1001})
    header = Header(3, 9, 1, "", 0)
    assert len(decode_request(header, memoryview(names), 1001).topics) == 1001
    with pytest.raises(MalformedError, match="more elements"):
        decode_request(header, memoryview(names), 1000)


def test_elements_are_counted_over_all_arrays() -> None:
    topics = [{"topic": "t", "partitions": [{"partition": n} for n in range(10)]} for _ in range(10)]
    fetch = memoryview(encode(request_type(1, 4), {"topics": topics}))
    decode_request(Header(1, 4, 1, "", 0), fetch, 110)
    with pytest.raises(MalformedError, match="more elements"):
        decode_request(Header(1, 4, 1, "", 0), fetch, 109)


def test_null_where_null_is_not_allowed_is_refused() -> None:
    with pytest.raises(MalformedError, match="null"):
        decode_request(Header(3, 0, 1, "", 0), memoryview(b"\xff\xff\xff\xff"))
    with pytest.raises(MalformedError, match="null"):
        decode_request(Header(12, 0, 1, "", 0), memoryview(b"\xff\xff\0\0\0\1\0\0"))


def test_a_string_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(MalformedError):
        decode_request(Header(12, 0, 1, "", 0), memoryview(b"\0\2\xc3\x28\0\0\0\1\0\0"))


def test_an_unknown_tag_is_passed_over() -> None:
    body = encode(request_type(3, 12), {"topics": None, "include_topic_authorized_operations": True})
    assert body[-1] == 0
    tagged = memoryview(body[:-1] + b"\x01\x63\x02zz")
    assert decode_request(Header(3, 12, 1, "", 0), tagged).include_topic_authorized_operations


def test_an_unknown_tag_deep_inside_is_cut_out_and_the_rest_kept() -> None:
    state = b"\0\0\0\7" + bytes(8) + b"\x01\x09\x01!"  # a ReplicaState of replica 7 with the unknown tag 9
    tags = b"\x03\x00\x02\x02c\x01" + bytes([len(state)]) + state + b"\x63\x00"
    body = encode(request_type(1, 15), {"topics": [{"partitions": [{"partition": 3}]}]})
    partition_tags = body.index(b"\0\0\0\3") + 4 + 4 + 8 + 4 + 8 + 4
    spiced = body[:partition_tags] + b"\x01\x05\x03abc" + body[partition_tags + 1 : -1] + tags
    read = decode_request(Header(1, 15, 1, "", 0), memoryview(spiced))
    assert (read.cluster_id, read.replica_state.replica_id) == ("c", 7)
    assert [p.partition for p in read.topics[0].partitions] == [3]


def test_a_tag_whose_size_is_not_its_values_is_refused() -> None:
    body = encode(request_type(1, 12), {"cluster_id": "c"})
    assert body.endswith(b"\x01\x00\x02\x02c")
    with pytest.raises(MalformedError, match="tagged"):
        decode_request(Header(1, 12, 1, "", 0), memoryview(body[:-4] + b"\x00\x03\x02c!"))


@pytest.mark.parametrize("version", [0, 3])
def test_what_the_client_encodes_the_server_decodes(version: int) -> None:
    message = request_type(18, version)
    sent = message() if version == 0 else message(client_software_name="a", client_software_version="1")
    frame = memoryview(encode_request(18, version, -5, "me", sent))[4:]
    header = decode_header(frame)
    assert (header.api_key, header.version, header.correlation_id, header.client_id) == (
        18,
        version,
        -5,
        "me",
    )
    assert decode_request(header, frame) == sent


def test_a_client_may_leave_its_id_out() -> None:
    frame = memoryview(encode_request(18, 0, 1, None, request_type(18, 0)()))[4:]
    assert decode_header(frame).client_id == ""


def test_a_request_is_read_from_memory_that_may_be_written_to() -> None:
    frame = memoryview(bytearray(encode_request(18, 0, 1, "me", request_type(18, 0)())))[4:]
    assert decode_request(decode_header(frame), frame) == request_type(18, 0)()


@pytest.mark.parametrize("version", range(3, 12))
def test_produce_is_read_by_hand_as_kio_reads_it(version: int) -> None:
    message = request_type(0, version)

    @settings(max_examples=30, deadline=None, database=None)
    @given(rows(shape_of(message)))
    def read_alike(row: dict[str, Any]) -> None:
        frame = memoryview(bytearray(encode(message, row)))
        header = Header(0, version, 1, "", 0)
        theirs, ours = decode_request(header, frame), read_produce(header, frame, 1000)
        assert (ours.transactional_id, ours.acks) == (theirs.transactional_id, theirs.acks)
        assert ours.timeout_ms == theirs.timeout // datetime.timedelta(milliseconds=1)
        parts = [(t.name, [(p.index, p.records or b"") for p in t.partition_data]) for t in theirs.topic_data]
        assert [(name, [(n, bytes(b)) for n, b in found]) for name, found in ours.topics] == parts
        for end in range(len(frame)):
            with pytest.raises(MalformedError):
                read_produce(header, frame[:end], 1000)

    read_alike()


def test_a_produce_request_with_more_parts_than_allowed_is_refused() -> None:
    parts = [{"index": n, "records": b""} for n in range(10)]
    frame = memoryview(encode(request_type(0, 9), {"topic_data": [{"name": "t", "partition_data": parts}]}))
    read_produce(Header(0, 9, 1, "", 0), frame, 11)
    with pytest.raises(MalformedError, match="more elements"):
        read_produce(Header(0, 9, 1, "", 0), frame, 10)


def test_records_are_passed_on_without_a_copy() -> None:
    batches = memoryview(bytearray(COPY_BYTES_MAX + 1))
    partition = {"partition_index": 0, "records": batches}
    out = encode_response(1, 12, 1, {"responses": [{"topic": "t", "partitions": [partition]}]})
    assert any(part is batches for part in out)
    whole = b"".join(out)
    assert int.from_bytes(whole[:4], "big") == len(whole) - 4
    assert decode_response(1, 12, whole[4:])[1].responses[0].partitions[0].records == bytes(batches)


def test_small_byte_fields_do_not_become_buffers_of_their_own() -> None:
    buffers = Buffers()
    write(response_type(14, 4), {"assignment": bytes(COPY_BYTES_MAX)}, buffers)
    assert len(buffers.all()) == 1


@pytest.mark.parametrize(
    "frame", [b"", b"\0\x03", b"\0\x03\0\x0c\0\0\0\1\0\x50abc", b"\0\x03\0\x0c\0\0\0\1\0\x01a\x01\x05"]
)
def test_a_header_that_is_cut_short_is_refused(frame: Bytes) -> None:
    with pytest.raises(MalformedError):
        decode_header(memoryview(frame))


def test_no_process_loads_hypothesis_because_it_is_installed():
    """kio does, where it finds it: a quarter of a second at each start. Whoever wants it afterwards has it whole."""
    program = (
        "import sys, penstock.app.broker, penstock.work.__main__\n"
        "assert 'kio.static._phantom' in sys.modules and 'hypothesis' not in sys.modules\n"
        "import hypothesis.strategies\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
