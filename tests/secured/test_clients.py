"""Real clients in every way in: they log in, produce, and consume in a group; and they are refused as by Kafka."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from bench.oracle import kafka as oracle
from confluent_kafka import Consumer, KafkaError, Producer

from tests.compatibility.clients.command_line import says_nonce_twice
from tests.secured.conftest import Secured
from tests.secured.ways import WAYS, Way, java, librdkafka, python

COUNT = 5
WANTED_S = 20.0
by_way = pytest.mark.parametrize("way", WAYS, ids=str)
PLAIN, SCRAM = WAYS[0], WAYS[1]


def values(client: str) -> list[str]:
    return [f"{client}-{number}" for number in range(COUNT)]


# --- the plain case ---------------------------------------------------------------------------------------------------


@by_way
def test_confluent(way: Way, secured: Secured) -> None:
    words, errors, found = librdkafka(way, secured), [], []
    producer = Producer(words)
    for value in values("confluent"):
        producer.produce(way.topic, value, on_delivery=lambda error, _: error and errors.append(error))
    assert producer.flush(20) == 0 and errors == []
    consumer = Consumer({**words, "group.id": f"{way.topic}-confluent", "auto.offset.reset": "earliest"})
    consumer.subscribe([way.topic])
    until_s = time.monotonic() + WANTED_S
    while len(found) < COUNT and time.monotonic() < until_s:
        records = [record.value().decode() for record in consumer.consume(100, 0.2)]
        found += [value for value in records if value.startswith("confluent")]
    consumer.close()
    assert found == values("confluent")


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
@by_way
def test_kcat(way: Way, secured: Secured) -> None:
    words = [word for name, value in librdkafka(way, secured).items() for word in ("-X", f"{name}={value}")]
    lines = "\n".join(values("kcat"))
    write = ["kcat", "-P", "-t", way.topic, *words]
    if "SCRAM" in way.mechanism and says_nonce_twice():
        told = subprocess.run(write, input=lines, text=True, capture_output=True, check=False, timeout=30)
        assert told.returncode and "Authentication failed" in told.stderr, (
            "it enters neither here nor with Kafka"
        )
        return
    subprocess.run(write, input=lines, text=True, check=True, timeout=30)
    read = ["kcat", "-C", "-t", way.topic, "-e", "-q", "-o", "beginning", *words]
    found = subprocess.run(read, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()
    assert [value for value in found if value.startswith("kcat")] == values("kcat")


@by_way
def test_kafka_python(way: Way, secured: Secured) -> None:
    from kafka import KafkaConsumer, KafkaProducer

    words = python(way, secured)
    producer = KafkaProducer(**words)
    for answer in [producer.send(way.topic, value.encode()) for value in values("kp")]:
        answer.get(timeout=20)
    producer.close()
    consumer = KafkaConsumer(way.topic, group_id=f"{way.topic}-kp", auto_offset_reset="earliest", **words)
    found: list[str] = []
    until_s = time.monotonic() + WANTED_S
    while len(found) < COUNT and time.monotonic() < until_s:
        for records in consumer.poll(timeout_ms=200).values():
            found += [r.value.decode() for r in records if r.value.startswith(b"kp")]
    consumer.close()
    assert found == values("kp")


@by_way
def test_aiokafka(way: Way, secured: Secured) -> None:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def talk() -> list[str]:
        words, found = python(way, secured), []
        async with AIOKafkaProducer(**words) as producer:
            for value in values("aio"):
                await producer.send_and_wait(way.topic, value.encode())
        group = {"group_id": f"{way.topic}-aio", "auto_offset_reset": "earliest"}
        async with AIOKafkaConsumer(way.topic, **group, **words) as consumer:
            until_s = time.monotonic() + WANTED_S
            while len(found) < COUNT and time.monotonic() < until_s:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [r.value.decode() for r in records if r.value.startswith(b"aio")]
        return found

    assert asyncio.run(talk()) == values("aio")


@pytest.mark.java
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
def test_java_in_every_way_and_refused(secured: Secured, tmp_path: Path) -> None:
    asked: list[tuple[str, dict[str, str], str]] = [
        (way.topic, java(way, secured), " ".join(values("java"))) for way in WAYS
    ]
    asked += [
        ("open-wrong", java(way, secured, password="wrong"), "SaslAuthenticationException")
        for way in (PLAIN, SCRAM)
    ]
    asked.append(("open-none", java(SCRAM, secured, user="nobody"), "SaslAuthenticationException"))
    asked.append(("shut", java(SCRAM, secured), "TopicAuthorizationException"))
    words = []
    for number, (topic, settings, _) in enumerate(asked):
        file = tmp_path / f"{number}.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        words += [topic, str(file)]
    program = str(Path(__file__).with_name("JavaSecured.java"))
    ran = subprocess.run(
        oracle.java(program, *words, heap="256m"), check=False, capture_output=True, text=True, timeout=150
    )
    assert ran.stdout.splitlines() == [expected for _, _, expected in asked], ran.stderr[-2000:]


# --- refusals ---------------------------------------------------------------------------------------------------------


def error_of(words: dict[str, Any], topic: str) -> int:
    """The first error that librdkafka tells of when it produces a record."""
    errors: list[int] = []
    producer = Producer({**words, "error_cb": lambda error: errors.append(error.code()), "log_level": 0})
    producer.produce(topic, b"x", on_delivery=lambda error, _: error and errors.append(error.code()))
    until_s = time.monotonic() + WANTED_S
    while not errors and time.monotonic() < until_s:
        producer.poll(0.1)
    producer.purge()
    return errors[0] if errors else 0


@pytest.mark.parametrize("way", WAYS[:3], ids=str)
@pytest.mark.parametrize("user", ["bob", "nobody"])
def test_a_wrong_password_and_an_unknown_user_are_refused_alike(
    way: Way, user: str, secured: Secured
) -> None:
    began_s = time.monotonic()
    assert error_of(librdkafka(way, secured, user, "wrong"), "open-x") == KafkaError._AUTHENTICATION
    assert time.monotonic() - began_s > 0.4  # whoever guesses waits


def test_a_topic_that_is_not_ones_own_is_refused_by_kafkas_code(secured: Secured) -> None:
    assert error_of(librdkafka(SCRAM, secured), "shut") == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_group_that_is_not_ones_own_is_refused_by_kafkas_code(secured: Secured) -> None:
    consumer = Consumer({**librdkafka(SCRAM, secured), "group.id": "shut", "log_level": 0})
    consumer.subscribe(["open-x"])
    until_s, code = time.monotonic() + WANTED_S, 0
    while code == 0 and time.monotonic() < until_s:
        message = consumer.poll(0.2)
        code = message.error().code() if message is not None and message.error() else 0
    consumer.close()
    assert code == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_no_tls_no_entry_and_no_certificate_no_entry(secured: Secured) -> None:
    plain = {**librdkafka(SCRAM, secured), "bootstrap.servers": secured.tls}
    assert error_of(plain, "open-x") in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)
    bare = librdkafka(Way("SSL"), secured)
    for name in ("ssl.certificate.location", "ssl.key.location"):
        del bare[name]
    assert error_of(bare, "open-x") in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)


def test_a_certificate_of_another_authority_is_cut_off(secured: Secured, tmp_path: Path) -> None:
    from tests.secured.certificates import Authority

    forged = Authority(tmp_path / "forger").sign("ada")
    words = librdkafka(Way("SSL"), secured)
    words |= {"ssl.certificate.location": str(forged.cert), "ssl.key.location": str(forged.key)}
    assert error_of(words, "open-x") in (KafkaError._SSL, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)


@pytest.mark.parametrize("name", ["penstock", "ANONYMOUS"])
def test_a_certificate_does_not_make_one_of_penstocks_own(name: str, secured: Secured) -> None:
    pair = secured.authority.sign(name)
    words = librdkafka(Way("SSL"), secured)
    words |= {"ssl.certificate.location": str(pair.cert), "ssl.key.location": str(pair.key)}
    assert error_of(words, "open-x") in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)
