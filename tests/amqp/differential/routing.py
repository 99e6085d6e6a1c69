"""Which queues a message comes to: keys, patterns, headers, copies."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.amqp.differential.asking import Asking, Channel


def routed(channel: Channel, name: str, pattern: str, keys: Sequence[str]) -> list[str]:
    """Which of these keys a topic's binding key lets through, of an exchange of its own."""
    channel.exchange(name, "topic")
    channel.declare(name, exclusive=True)
    channel.bind(name, name, pattern)
    for key in keys:
        channel.publish(name, key, key)
    return channel.drain(name)


KEYS = (
    "",
    "a",
    "b",
    "a.b",
    "b.a",
    "a.b.c",
    "a..c",
    ".",
    "a.",
    ".a",
    "a.b.c.d",
    "a.x.b",
    "a.x.y.b",
    "*",
    "#",
    "a.*",
)


def a_star_is_one_word_in_front(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "*.b", KEYS)


def a_star_is_one_word_between(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "a.*.c", KEYS)


def a_star_is_one_word_at_the_end(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "a.*", KEYS)


def a_star_alone_is_one_word(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "*", KEYS)


def a_hash_is_any_words_in_front(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "#.b", KEYS)


def a_hash_is_any_words_between(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "a.#.b", KEYS)


def a_hash_is_any_words_at_the_end(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "a.#", KEYS)


def a_hash_alone_is_everything(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "#", KEYS)


def an_empty_pattern_is_one_key(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "", KEYS)


def empty_words_are_words(ask: Asking, name: str) -> Iterator[Any]:
    yield routed(ask.channel(), name, "a..c", KEYS)


def patterns_with_several_wildcards(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for number, pattern in enumerate(("#.#", "*.#", "#.*", "*.*", "#.*.#", "a.#.*", "a*", "a#.b")):
        yield [pattern, routed(channel, f"{name}-{number}", pattern, KEYS)]


def a_queue_bound_twice_gets_a_message_once(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name, "topic")
    channel.declare(name, exclusive=True)
    for pattern in ("a.#", "#.b", "a.*"):
        yield channel.bind(name, name, pattern)
    channel.publish(name, "a.b", "once")
    yield channel.drain(name)
    yield channel("queue.unbind", queue=name, exchange=name, routing_key="#.b")
    channel.publish(name, "x.b", "no longer")
    channel.publish(name, "a.b", "still")
    yield channel.drain(name)


def a_direct_exchange_wants_the_very_key(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name)
    for queue, key in (("one", "k"), ("two", "k"), ("three", "K")):
        channel.declare(f"{name}-{queue}", exclusive=True)
        channel.bind(f"{name}-{queue}", name, key)
    channel.publish(name, "k", "both")
    channel.publish(name, "k.", "none")
    yield [channel.drain(f"{name}-{queue}") for queue in ("one", "two", "three")]
    channel.publish(name, "K", "the third")
    yield channel.get(f"{name}-three")


def a_fanout_exchange_asks_for_no_key(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name, "fanout")
    for queue in ("one", "two"):
        channel.declare(f"{name}-{queue}", exclusive=True)
        channel.bind(f"{name}-{queue}", name, "whatever")
    channel.publish(name, "another", "both")
    yield [channel.get(f"{name}-{queue}") for queue in ("one", "two")]


HEADERS: tuple[dict[str, Any], ...] = (
    {}, {"a": 1}, {"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": "1", "b": "x"}, {"a": 1, "b": "x", "c": True}, {"x-a": 1}, {"b": None}, {"a": 1.0, "b": "x"},
)  # fmt: skip


def matched(channel: Channel, name: str, **arguments: Any) -> list[str]:
    """Which of the messages come through an exchange of type headers with these arguments."""
    channel.exchange(name, "headers")
    channel.declare(name, exclusive=True)
    channel.bind(name, name, **arguments)
    for headers in HEADERS:
        channel.publish(name, "", str(headers), headers=headers)
    channel.publish(name, "", "no headers at all")
    return channel.drain(name)


def all_headers_match(ask: Asking, name: str) -> Iterator[Any]:
    yield matched(ask.channel(), name, **{"x-match": "all", "a": 1, "b": "x"})


def any_header_matches(ask: Asking, name: str) -> Iterator[Any]:
    yield matched(ask.channel(), name, **{"x-match": "any", "a": 1, "b": "x"})


def all_headers_is_what_is_meant_without_a_word(ask: Asking, name: str) -> Iterator[Any]:
    yield matched(ask.channel(), name, a=1, b="x")


def headers_that_begin_with_x_count_for_nothing(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield matched(channel, f"{name}-all", **{"x-match": "all", "x-a": 5, "a": 1})
    yield matched(channel, f"{name}-any", **{"x-match": "any", "x-a": 1, "a": 7})


def headers_that_begin_with_x_count_where_it_is_said(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield matched(channel, f"{name}-all", **{"x-match": "all-with-x", "x-a": 1})
    yield matched(channel, f"{name}-any", **{"x-match": "any-with-x", "x-a": 1, "a": 7})


def a_header_of_no_value_matches_by_being_there(ask: Asking, name: str) -> Iterator[Any]:
    yield matched(ask.channel(), name, **{"x-match": "all", "b": None})


def no_headers_match_everything(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    yield matched(channel, f"{name}-all", **{"x-match": "all"})
    yield matched(channel, f"{name}-any", **{"x-match": "any"})


def a_match_that_nobody_knows(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name, "headers")
    channel.declare(name, exclusive=True)
    yield channel.bind(name, name, **{"x-match": "some"})


def a_match_that_is_no_text(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.exchange(name, "headers")
    channel.declare(name, exclusive=True)
    yield channel.bind(name, name, **{"x-match": 7})


def copies_go_to_further_keys(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    for queue in ("one", "two", "three"):
        channel.declare(f"{name}-{queue}", exclusive=True)
    channel.publish(
        "", f"{name}-one", "for three", headers={"CC": [f"{name}-two"], "BCC": [f"{name}-three"], "other": 1}
    )
    yield [channel.get(f"{name}-{queue}") for queue in ("one", "two", "three")]


def copies_want_a_list(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.publish("", name, "for whom?", headers={"CC": "a text"})
    yield channel.next()


def a_queue_is_known_to_the_default_exchange_by_its_name(ask: Asking, name: str) -> Iterator[Any]:
    channel = ask.channel()
    channel.declare(name, exclusive=True)
    channel.publish("", name, "here")
    yield channel.get(name)
    yield channel.get(name)


ROUTING = (
    a_star_is_one_word_in_front, a_star_is_one_word_between, a_star_is_one_word_at_the_end, a_star_alone_is_one_word, a_hash_is_any_words_in_front,
    a_hash_is_any_words_between, a_hash_is_any_words_at_the_end, a_hash_alone_is_everything, an_empty_pattern_is_one_key, empty_words_are_words,
    patterns_with_several_wildcards, a_queue_bound_twice_gets_a_message_once, a_direct_exchange_wants_the_very_key,
    a_fanout_exchange_asks_for_no_key, all_headers_match, any_header_matches, all_headers_is_what_is_meant_without_a_word,
    headers_that_begin_with_x_count_for_nothing, headers_that_begin_with_x_count_where_it_is_said, a_header_of_no_value_matches_by_being_there,
    no_headers_match_everything, a_match_that_nobody_knows, a_match_that_is_no_text, copies_go_to_further_keys, copies_want_a_list,
    a_queue_is_known_to_the_default_exchange_by_its_name,
)  # fmt: skip
