"""The table of methods is the protocol's own, and its bytes are those that clients write."""

import xml.etree.ElementTree as Xml
from typing import Any

import pika.spec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.amqp.methods import BY_NAME, METHODS, OWN, Method, decode, encode, frame
from penstock.wire.amqp.opening import CERTIFICATE, PASSWORDS
from penstock.wire.amqp.support import LOGINS, NOTES, REFUSED, SENT, offered
from tests.amqp.specification import missing, specification

NAMES = {"no_wait": "nowait", "global_": "global_qos"}
PROTOCOLS = [method for method in METHODS.values() if not method.name.startswith(OWN)]
"""All but our own, which no client and no XML knows."""
NOT_READ = ("connection.update-secret",)  # pika 1.4 writes it and does not read it
ONLY_OLD = ("access.request", "access.request-ok")
"""Of AMQP 0-8; not in the XML of 0-9-1."""
YOUNGER = ("connection.update-secret", "connection.update-secret-ok")
"""Of RabbitMQ 3.8; the XML is of 2013. pika's tables have them (below)."""


def of_pika(method: Method) -> Any:
    """pika's class for a method; its tables are generated from RabbitMQ's own of the protocol."""
    found = pika.spec.methods.get(method.key)
    assert found is not None, method.name
    return found


@pytest.mark.parametrize("method", PROTOCOLS, ids=lambda method: method.name)
def test_every_method_has_the_numbers_that_clients_know(method: Method) -> None:
    assert of_pika(method).NAME.lower() == "".join(
        part if number == 0 else "." + part.replace("-", "")
        for number, part in enumerate(method.name.split("."))
    )


def test_no_method_that_clients_know_is_missing() -> None:
    assert set(pika.spec.methods) == {method.key for method in PROTOCOLS}


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_table_is_the_protocol_s_xml() -> None:
    root = Xml.parse(specification()).getroot()
    kinds = {domain.get("name"): domain.get("type") for domain in root.iter("domain")}
    found = {}
    for group in root.iter("class"):
        for method in group.iter("method"):
            fields = [
                kinds.get(f.get("domain"), f.get("type") or f.get("domain")) for f in method.iter("field")
            ]
            name = f"{group.get('name')}.{method.get('name')}"
            found[name] = (int(group.get("index", 0)) << 16 | int(method.get("index", 0)), fields)
    ours = {m.name: (m.key, [kind for _, kind in m.fields]) for m in PROTOCOLS}
    assert found == {name: method for name, method in ours.items() if name not in ONLY_OLD + YOUNGER}


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "octet": st.integers(0, 255), "short": st.integers(0, 65535), "long": st.integers(0, 2**32 - 1),
    "longlong": st.integers(0, 2**64 - 1), "bit": st.booleans(), "shortstr": st.text(max_size=60),
    "longstr": st.binary(max_size=300), "table": st.dictionaries(st.text(max_size=20), st.booleans() | st.text(), max_size=4),
}  # fmt: skip


@given(st.data(), st.sampled_from(sorted(BY_NAME)))
def test_fields_come_back_as_they_were_written(data: st.DataObject, name: str) -> None:
    method = BY_NAME[name]
    values = {field: data.draw(VALUES[kind]) for field, kind in method.fields}
    assert decode(method, encode(method, values), 0) == values


@given(st.data(), st.sampled_from([m.name for m in PROTOCOLS if m.name not in ONLY_OLD + NOT_READ]))
def test_the_bytes_are_those_that_pika_reads(data: st.DataObject, name: str) -> None:
    method = BY_NAME[name]
    values = {field: data.draw(VALUES[kind]) for field, kind in method.fields}
    read = of_pika(method).__new__(of_pika(method)).decode(encode(method, values))
    for field, value in values.items():
        if not field.startswith(("reserved", "ticket")):
            theirs = getattr(read, NAMES.get(field, field))
            assert (
                theirs.encode() if isinstance(value, bytes) and isinstance(theirs, str) else theirs
            ) == value


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_fields_that_are_cut_off_or_go_on_are_refused(name: str) -> None:
    method = BY_NAME[name]
    whole = encode(method, {})
    for end in range(len(whole)):
        with pytest.raises(ValueError, match=r".+"):
            decode(method, whole[:end], 0)
    with pytest.raises(ValueError, match="left over"):
        decode(method, whole + b"\0", 0)


def test_bits_share_octets_the_lowest_first() -> None:
    values = {"queue": "q", "durable": True, "auto_delete": True}
    assert encode(BY_NAME["queue.declare"], values) == b"\0\0\x01q\x0a\0\0\0\0"


def test_a_method_s_frame_is_whole() -> None:
    assert frame(3, "tx.select-ok") == b"\x01\0\x03\0\0\0\x04\0\x5a\0\x0b\xce"


def test_the_support_table_speaks_of_methods_that_there_are_and_of_all_that_are_left_out() -> None:
    assert set(NOTES) | set(REFUSED) | SENT <= set(BY_NAME)
    assert {name for name, method in BY_NAME.items() if not offered(method)} == set(REFUSED)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_a_method_that_only_one_side_may_send_is_offered_by_that_side(method: Method) -> None:
    if method.name not in REFUSED and method.sender != "both":
        assert offered(method) == (method.sender,)


def test_the_ways_to_log_in_that_are_offered_are_those_of_the_support_table() -> None:
    assert [name for name, said in LOGINS.items() if said.startswith("offered")] == [*PASSWORDS, CERTIFICATE]
