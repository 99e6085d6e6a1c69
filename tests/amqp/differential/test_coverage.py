"""What a scenario covers is told by frames alone."""

from tests.amqp.differential import coverage
from tests.amqp.differential.asking import cut, encode


def test_what_is_wrong_with_bytes_is_told_by_the_bytes() -> None:
    assert coverage.described(b"GET / HTTP/1.1") == "no protocol header"
    assert coverage.described(cut(9, 0, b"")) == "a frame of no known type"
    assert coverage.described(encode(1, "channel.open", {})[:-1] + b"\0") == "a frame without its end"
    assert coverage.described(encode(1, "basic.qos", {})) == "basic.qos on channel 1"


def test_facts_leave_names_out() -> None:
    text = "NOT_FOUND - no queue 'orders' in vhost '/'"
    said = ["channel.close", {"reply_code": 404, "reply_text": text, "class_id": 50, "method_id": 10}]
    assert coverage.error(said) == "channel.close 404 NOT_FOUND - no queue … in vhost …"
