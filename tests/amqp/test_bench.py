"""The comparison with RabbitMQ: its client counts rightly, and its short form runs (on our side alone)."""

import struct
from pathlib import Path

import pytest
from bench import marks
from bench.amqp import table
from bench.amqp.load import Kind
from bench.amqp.peer import acknowledgements, confirmed, delivery_bytes, message
from bench.amqp.whole import FAULTS, Scale, measure
from bench.beside.figures import Found

from penstock.wire.amqp.methods import frame
from tests.amqp.driving import opened

TINY = Scale(
    runs=1, messages=300, most_s=5.0, sizes=(12, 256), connections=(1, 10), waiting=1500, sides=("penstock",)
)


def ack(tag: int, multiple: bool = False) -> bytes:
    return frame(1, "basic.ack", delivery_tag=tag, multiple=multiple)


def test_confirms_are_counted_up_to_the_first_that_is_missing() -> None:
    held, singles = bytearray(ack(1) + ack(2) + ack(4)), set[int]()
    assert confirmed(held, 0, singles) == 2
    held += ack(3) + ack(9, multiple=True) + ack(11) + ack(10)[:5]
    assert confirmed(held, 2, singles) == 9
    held += ack(10)[5:]
    assert confirmed(held, 9, singles) == 11
    assert not held and not singles


def test_what_is_no_confirm_is_an_error() -> None:
    with pytest.raises(ConnectionError):
        confirmed(bytearray(frame(1, "basic.nack", delivery_tag=1)), 0, set())


def test_prepared_messages_and_acknowledgements_are_understood() -> None:
    client = opened()
    client.step(frame(1, "queue.declare", queue="q"))
    client.step(message("q", 12) * 3, frame(1, "basic.consume", queue="q", consumer_tag="c"))
    assert len(client.broker.queues["q"]) == 0, "all three are delivered"
    assert client.step(acknowledgements(1, 3)) == []
    assert acknowledgements(7, 1) == ack(7)


def test_varied_messages_are_cut_where_they_begin() -> None:
    run, ends = Kind("q", 12, varied=True).prepared()
    client = opened()
    client.step(frame(1, "queue.declare", queue="q"), run[: ends[40]])
    sizes = [len(one.body) for one in client.broker.queues["q"]]
    assert len(sizes) == 40 and set(sizes) == set(range(4, 21)) and ends[-1] == len(run)


def test_a_delivery_is_measured_when_it_is_whole() -> None:
    whole = b"".join(struct.pack(">BHI", kind, 1, 5) + b"12345\xce" for kind in (1, 2, 3))
    assert delivery_bytes(bytearray(whole + whole)) == len(whole)
    assert [delivery_bytes(bytearray(whole[:end])) for end in range(len(whole))] == [0] * len(whole)


def test_the_short_form_measures_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.beside.figures.OUT", tmp_path)
    for module in ("whole", "million"):
        monkeypatch.setattr(f"bench.amqp.{module}.IDLE_S", 0.1)
    found = measure(TINY)
    assert found["troubles"] == []
    flows = {f"{way}/{n}/{size}" for way in ("publish", "consume") for n in (1, 10) for size in (12, 256)}
    assert set(found["amqp"]) == {"start", "waiting", "varied/1/256", "varied/10/256", *flows}
    counts = {what: sides["penstock"]["count"] for what, sides in found["amqp"].items() if what in flows}
    assert set(counts.values()) == {300}, "what was published is consumed"
    assert found["amqp"]["waiting"]["penstock"]["messages"] == 1500
    page = tmp_path / "page.md"
    begin, end = marks.of("amqp")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    marks.fill("amqp", table.markdown(found), page)
    assert page.read_text().startswith("before") and "| publish | 10 | 256 B |" in page.read_text()
    assert "old" not in page.read_text() and page.read_text().endswith("after\n")


def test_what_cannot_be_measured_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found("amqp", 1, FAULTS, {"rabbitmq": "3.10"})

    def fails() -> dict[str, float]:
        raise TimeoutError("nothing came")

    found.note("publish/1/12", "penstock", fails)
    assert "Not measured:\n\n- publish/1/12 penstock: TimeoutError: nothing came" in table.markdown(
        found.report()
    )
    assert "nothing came" in capsys.readouterr().out
