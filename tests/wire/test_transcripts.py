"""What five real clients said, byte for byte, whole and cut everywhere; recorded by `record_transcript.py`."""

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.calls import Principal
from penstock.wire.kafka.api.api_versions import KEY as API_VERSIONS
from penstock.wire.kafka.codec import decode_header, decode_request, decode_response, peek
from penstock.wire.kafka.fetch_sessions import FetchSessions
from penstock.wire.kafka.guard import MalformedError
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.session import KafkaOptions, KafkaSession
from tests.wire.driving import feed, frames
from tests.wire.fake_broker import FakeBroker

TRANSCRIPTS = sorted(Path(__file__).parent.glob("transcripts/*.txt"))
Event = tuple[int, str, bytes]
transcripts = pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)


def events(path: Path) -> tuple[int, list[Event]]:
    """The port that was advertised, and what happened."""
    first, *lines = path.read_text().splitlines()
    split = [line.split() for line in lines]
    return int(first.split()[-1]), [(int(n), way, bytes.fromhex(data)) for n, way, data in split]


def both_ways(found: list[Event]) -> tuple[dict[int, bytes], dict[int, bytes]]:
    said: dict[int, bytes] = defaultdict(bytes)
    heard: dict[int, bytes] = defaultdict(bytes)
    for number, way, data in found:
        (said if way == ">" else heard)[number] += data
    return said, heard


def replay(path: Path, cut: "Iterator[int] | None" = None) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """What the sessions answer now, and what they answered then; `cut` gives the sizes of the pieces."""
    port, found = events(path)
    broker, fetch_sessions = FakeBroker(events=1), FetchSessions()
    sessions: dict[int, KafkaSession] = {}
    answered: dict[int, bytes] = defaultdict(bytes)
    for number, way, data in found:
        if way == "<":
            continue
        session = sessions.setdefault(
            number,
            KafkaSession(lambda: ("127.0.0.1", port), Principal(), KafkaOptions(), None, fetch_sessions),
        )
        at = 0
        while at < len(data):
            end = at + (next(cut) if cut else len(data))
            answered[number] += feed(session, broker, data[at:end])
            at = end
    return answered, expected(*both_ways(found))


def expected(said: dict[int, bytes], heard: dict[int, bytes]) -> dict[int, bytes]:
    """What they heard, but for the list of APIs: that grows, and a client hears the one of today."""
    return {
        number: b"".join(
            apis_now(question)
            if peek(question)[0] == API_VERSIONS
            else len(answer).to_bytes(4, "big") + answer
            for question, answer in zip(frames(said[number]), frames(data), strict=True)
        )
        for number, data in heard.items()
    }


def apis_now(question: memoryview) -> bytes:
    session = KafkaSession(lambda: ("127.0.0.1", 1), Principal(), KafkaOptions())
    return feed(session, FakeBroker(), len(question).to_bytes(4, "big") + question)


def test_every_client_is_there() -> None:
    assert [p.stem for p in TRANSCRIPTS] == ["aiokafka", "java", "kafka_python", "kcat", "librdkafka"]


@transcripts
def test_a_client_hears_what_it_heard(path: Path) -> None:
    now, then = replay(path)
    assert now == then


@transcripts
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_pieces_of_any_size_change_nothing(path: Path, size: int) -> None:
    now, then = replay(path, iter(lambda: size, None))
    assert now == then


@transcripts
@pytest.mark.parametrize("seed", range(10))
def test_cuts_at_any_place_change_nothing(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    now, then = replay(path, iter(lambda: chance.choice((1, 4, 13, 200)), None))
    assert now == then


@transcripts
def test_every_response_is_read_to_its_last_byte_and_answers_its_request(path: Path) -> None:
    said, heard = both_ways(events(path)[1])
    for number, data in said.items():
        asked, told = frames(data), frames(heard[number])
        assert len(asked) == len(told)
        for question, answer in zip(asked, told, strict=True):
            header = decode_header(question)
            if header.api_key != 0:
                decode_request(header, question)
            assert decode_response(header.api_key, header.version, answer)[0] == header.correlation_id
            for end in range(4, len(answer)):
                with pytest.raises(MalformedError):
                    decode_response(header.api_key, header.version, answer[:end])


@transcripts
def test_clients_use_the_newest_version_that_both_know(path: Path) -> None:
    newest = {"java": {0: 11, 1: 16, 3: 12, 11: 9}, "librdkafka": {0: 10, 1: 16, 3: 12, 8: 9}}.get(
        path.stem, {}
    )
    used = {peek(frame)[:2] for data in both_ways(events(path)[1])[0].values() for frame in frames(data)}
    assert all(OFFERED[key].lowest <= version <= OFFERED[key].highest for key, version in used)
    assert set(newest.items()) <= used
