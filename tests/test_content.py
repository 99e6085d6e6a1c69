"""Field tables and basic properties: RabbitMQ's bytes, values that keep their type, and whatever else comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.content import (
    NO_PROPERTIES,
    Field,
    LongText,
    Properties,
    Scaled,
    Signed64,
    Timestamp,
    decode_table,
    encode_table,
    table_at,
)
from penstock.content.fields import DEPTH_MAX, Signed8, Signed16, Single, Unsigned8, Unsigned16, Unsigned32
from penstock.content.properties import KINDS

# --- field tables: the plain case -----------------------------------------------------------------------------------------

EVERY_TYPE = {
    b"t\x01": True,
    b"t\x00": False,
    b"b\xff": Signed8(-1),
    b"B\xff": Unsigned8(255),
    b"s\xff\xfe": Signed16(-2),
    b"u\xff\xfe": Unsigned16(65534),
    b"I\xff\xff\xff\xff": -1,
    b"i\xff\xff\xff\xff": Unsigned32(2**32 - 1),
    b"l\x00\x00\x00\x00\x00\x00\x00\x05": Signed64(5),
    b"l\x00\x00\x01\x00\x00\x00\x00\x00": 2**40,
    b"f\x3f\x00\x00\x00": Single(0.5),
    b"d\x3f\xb9\x99\x99\x99\x99\x99\x9a": 0.1,
    b"D\x02\x00\x00\x00\x7b": Scaled.of(123, 2),
    b"S\x00\x00\x00\x02\xc3\xa9": "é",
    b"S\x00\x00\x00\x01\xff": LongText(b"\xff"),
    b"x\x00\x00\x00\x02\x00\xff": b"\x00\xff",
    b"A\x00\x00\x00\x06V" + b"I\x00\x00\x00\x07": [None, 7],
    b"T\x00\x00\x00\x00\x65\x53\xf1\x00": Timestamp(1_700_000_000),
    b"F\x00\x00\x00\x03\x01aV": {"a": None},
    b"V": None,
}


def table_of(value: bytes) -> bytes:
    return len(value + b"\x01k").to_bytes(4, "big") + b"\x01k" + value


@pytest.mark.parametrize(("data", "value"), EVERY_TYPE.items(), ids=lambda one: repr(one)[:24])
def test_every_field_type_is_read_and_written_as_it_was(data: bytes, value: Field) -> None:
    read = decode_table(table_of(data))
    assert read == {"k": value}
    assert encode_table(read) == encode_table({"k": value}) == table_of(data)


def test_an_unsigned_looking_l_is_a_signed_64_bit_number() -> None:
    assert decode_table(table_of(b"L" + b"\xff" * 8)) == {"k": -1}


def test_a_table_is_found_in_the_middle_of_other_bytes() -> None:
    assert table_at(b"..." + table_of(b"V") + b"...", 3) == ({"k": None}, 3 + len(table_of(b"V")))


def test_the_first_of_two_fields_of_one_name_counts() -> None:
    assert decode_table(b"\x00\x00\x00\x08" + b"\x01kt\x01" + b"\x01kt\x00") == {"k": True}


fields: st.SearchStrategy[Field] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
    | st.binary() | st.integers(0, 255).map(Unsigned8) | st.integers(0, 2**64 - 1).map(Timestamp)
    | st.builds(Scaled.of, st.integers(-(2**31), 2**31 - 1), st.integers(0, 255)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
tables = st.dictionaries(st.text(max_size=20), fields, max_size=6)


@given(tables)
def test_a_table_survives_its_bytes(table: dict[str, Field]) -> None:
    data = encode_table(table)
    assert decode_table(data) == table
    assert encode_table(decode_table(data)) == data


# --- field tables: the refusals ---------------------------------------------------------------------------------------------


@given(tables, st.data())
def test_a_damaged_table_is_refused_or_read_and_nothing_else(
    table: dict[str, Field], data: st.DataObject
) -> None:
    good = bytearray(encode_table(table))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    bad = bytes(good[: data.draw(st.integers(0, len(good)))])
    try:
        read = decode_table(bad)
    except ValueError as error:
        assert "byte" in str(error)
    else:
        encode_table(read)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x00", "a length is cut short at byte 0"),
        (b"\x00\x00\x00\x05\x01kV", "where 3 bytes are left"),
        (b"\x00\x00\x00\x03\x01kV!", "1 bytes after the table's end"),
        (table_of(b"Z"), "no field type has the code 90 at byte 6"),
        (table_of(b"S\x00\x00\x00\x09ab"), "a length of 9 at byte 7, where 2 bytes are left"),
        (table_of(b"I\x00"), "a value reaches past the end"),
        (b"\x00\x00\x00\x02\x05k", "a name without a value"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        decode_table(data)


def test_depth_is_bounded_on_both_ways() -> None:
    deep: Field = None
    for _ in range(DEPTH_MAX - 1):
        deep = [deep]
    assert decode_table(encode_table({"k": deep})) == {"k": deep}
    with pytest.raises(ValueError, match="over 64 deep"):
        encode_table({"k": [deep]})
    inner = b"V"
    for _ in range(5000):
        inner = b"A" + len(inner).to_bytes(4, "big") + inner
    with pytest.raises(ValueError, match="over 64 deep"):
        decode_table(table_of(inner))


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, object(), {1}, Unsigned8(256), {"n" * 256: None}])
def test_a_value_that_no_table_can_hold_is_refused(value: Field) -> None:
    with pytest.raises(ValueError, match=r"field type|short string"):
        encode_table({"k": value})


# --- properties: the plain case ---------------------------------------------------------------------------------------------

ALL = Properties.made(
    content_type="text/plain", content_encoding="gzip", headers={"a": 1, "at": Timestamp(7)}, delivery_mode=2,
    priority=9, correlation_id="c", reply_to="r", expiration="60000", message_id="m", timestamp=1_700_000_000,
    type="t", user_id="guest", app_id="app", cluster_id="",
)  # fmt: skip


def test_properties_are_read_from_the_bytes_of_a_content_header() -> None:
    """As a client writes text/plain, persistent, priority 3, expiration 1500."""
    one = Properties.of(b"\x99\x00\x0atext/plain\x02\x03\x041500")
    assert (one.content_type, one.durable, one.priority, one.expiration_ms) == ("text/plain", True, 3, 1500)
    assert one.fields == {
        "content_type": "text/plain",
        "delivery_mode": 2,
        "priority": 3,
        "expiration": "1500",
    }


def test_all_properties_come_back_from_their_bytes() -> None:
    again = Properties(ALL.raw)
    assert again.fields == ALL.fields
    assert list(again.fields) == list(KINDS)
    assert (again.headers, again.timestamp, again.cluster_id) == ({"a": 1, "at": 7}, 1_700_000_000, "")
    assert again == ALL
    assert hash(again) == hash(ALL)


def test_no_properties_are_two_bytes() -> None:
    assert NO_PROPERTIES.raw == b"\x00\x00"
    assert (NO_PROPERTIES.durable, NO_PROPERTIES.priority, NO_PROPERTIES.expiration_ms) == (False, 0, None)
    assert NO_PROPERTIES.fields == {}


def test_what_is_not_replaced_keeps_its_bytes() -> None:
    raw = b"\x20\x40" + table_of(b"L" + b"\x00" * 8) + b"\x00" * 8  # an L would be written as l
    one = Properties.of(raw)
    assert one.replaced(expiration="5").replaced(expiration=None) == one
    assert one.replaced(headers=None).fields == {"timestamp": 0}


def test_the_same_bytes_are_read_once() -> None:
    assert Properties.of(bytes(bytearray(ALL.raw))) is Properties.of(ALL.raw)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("60000", 60_000), ("4294967295", 2**32 - 1), ("4294967296", None), ("-1", None), ("", None),
     ("1.5", None), ("soon", None), ("٣", None), ("9" * 255, None)],
)  # fmt: skip
def test_an_expiration_is_a_number_of_milliseconds_or_none(text: str, number: int | None) -> None:
    one = Properties.made(expiration=text)
    assert (one.expiration, one.expiration_ms) == (text, number)


values = {
    "text": st.text(max_size=60), "table": tables, "octet": st.integers(0, 255), "time": st.integers(0, 2**64 - 1),
}  # fmt: skip


@given(st.fixed_dictionaries({}, optional={name: values[kind] for name, kind in KINDS.items()}))
def test_properties_survive_their_bytes(wanted: dict[str, object]) -> None:
    one = Properties.made(**wanted)  # type: ignore[arg-type]
    again = Properties(one.raw)
    assert again.fields == wanted
    assert again.durable == (wanted.get("delivery_mode") == 2)
    assert again.priority == wanted.get("priority", 0)


# --- properties: the refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "without flags"),
        (b"\x80", "without flags"),
        (b"\x80\x01\x00", "do not exist: 0x8001"),
        (b"\x80\x00", "cut short"),
        (b"\x80\x00\x05abc", "5 bytes|8"),
        (b"\x10\x00", "cut short"),
        (b"\x00\x00\x00", "3 bytes that should have 2"),
        (b"\x20\x00\x00\x00\x00\x03\x01kZ", "no field type"),
        (b"\x00\x40\x00", "3 bytes that should have 10"),
    ],
)
def test_what_are_no_properties_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Properties.of(raw)


@given(st.data())
def test_damaged_properties_are_refused_or_can_be_read_in_all_their_parts(data: st.DataObject) -> None:
    raw = bytearray(ALL.raw)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        one = Properties(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except ValueError:
        return
    assert one.replaced(priority=1).fields == one.fields | {"priority": 1}


@pytest.mark.parametrize(
    "fields",
    [{"content_type": "x" * 256}, {"priority": 256}, {"timestamp": -1}, {"colour": "red"}, {"headers": 1}],
)
def test_fields_that_no_properties_can_have_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"short string|cannot be|no property"):
        Properties.made(**fields)
