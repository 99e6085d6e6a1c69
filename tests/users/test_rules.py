"""Rules: their text, what they imply, and that a denial always wins; held against a slow model of Kafka's."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.users.directory import Directory, Role, User
from penstock.users.rules import (
    IMPLIED_BY,
    KINDS,
    OPERATIONS,
    Rule,
    allowed,
    allowed_somewhere,
    make_rule,
    parse_rule,
)

NAMES = [""] + ["".join(letters) for size in (1, 2, 3) for letters in itertools.product("ab", repeat=size)]
RULE = st.builds(
    Rule,
    st.booleans(),
    st.sampled_from(OPERATIONS),
    st.sampled_from(("topic", "group")),
    st.sampled_from(NAMES),
    st.booleans(),
)


def test_rules_read_as_they_are_written() -> None:
    for text in (
        "allow read topic:orders",
        "deny all topic:secret-*",
        "allow describe topic:*",
        "allow alter cluster",
    ):
        assert str(parse_rule(text)) == text
    assert str(make_rule(True, "read", "cluster:kafka-cluster")) == "allow read cluster"
    assert parse_rule("allow read group:with space").name == "with space"


@pytest.mark.parametrize(
    "text",
    ["", "allow", "allow read", "permit read topic:a", "allow eat topic:a", "allow read topics:a", "allow read topic",
     "allow read topic:", "allow read cluster:mine", "allow read topic:a\nb", "allow read topic:" + "x" * 1001],
)  # fmt: skip
def test_what_is_no_rule_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|there|needs"):
        parse_rule(text)


@pytest.mark.parametrize("operation", ["read", "write", "delete", "alter"])
def test_whoever_may_touch_a_thing_may_describe_it(operation: str) -> None:
    rules = (parse_rule(f"allow {operation} topic:a"),)
    assert allowed(rules, "describe", "topic", "a")
    assert not allowed(rules, "create", "topic", "a") and not allowed(rules, "describe", "topic", "ab")


def test_a_denial_wins_and_implies_nothing() -> None:
    rules = (parse_rule("allow all topic:*"), parse_rule("deny read topic:a*"))
    assert not allowed(rules, "read", "topic", "ab") and allowed(rules, "describe", "topic", "ab")
    assert allowed(rules, "read", "topic", "b") and not allowed(rules, "read", "group", "b")


@given(st.lists(RULE, max_size=6), st.sampled_from(OPERATIONS), st.sampled_from(NAMES))
def test_deciding_is_what_the_model_says(rules: list[Rule], operation: str, name: str) -> None:
    def fits(rule: Rule) -> bool:
        spoken = [n for n in NAMES if n.startswith(rule.name)] if rule.prefix else [rule.name]
        return rule.kind == "topic" and name in spoken

    wanted = IMPLIED_BY.get(operation, {operation, "all"})
    yes = any(rule.allow and fits(rule) and rule.operation in wanted for rule in rules)
    no = any(not rule.allow and fits(rule) and rule.operation in {operation, "all"} for rule in rules)
    assert allowed(tuple(rules), operation, "topic", name) == (yes and not no)


@given(st.lists(RULE, max_size=6), st.sampled_from(OPERATIONS), RULE)
def test_a_further_denial_never_allows_and_a_further_allowance_never_denies(
    rules: list[Rule], operation: str, more: Rule
) -> None:
    for name in NAMES:
        before = allowed(tuple(rules), operation, "topic", name)
        after = allowed((*rules, more), operation, "topic", name)
        assert after >= before if more.allow else after <= before


@given(st.lists(RULE, max_size=6), st.sampled_from(OPERATIONS))
def test_allowed_on_some_name_means_allowed_somewhere(rules: list[Rule], operation: str) -> None:
    if any(allowed(tuple(rules), operation, "topic", name) for name in NAMES):
        assert allowed_somewhere(tuple(rules), operation, "topic")
    if not any(rule.allow for rule in rules):
        assert not allowed_somewhere(tuple(rules), operation, "topic")


def test_no_denial_of_everything_leaves_a_somewhere() -> None:
    rules = (parse_rule("allow write topic:a*"), parse_rule("deny write topic:*"))
    assert not allowed_somewhere(rules, "write", "topic")
    assert allowed_somewhere((rules[0], parse_rule("deny write topic:ab*")), "write", "topic")


# --- users and roles --------------------------------------------------------------------------------------------------


def test_without_users_everything_is_open_and_with_one_nothing_but_the_rules() -> None:
    assert Directory().may("ANONYMOUS", "delete", "topic", "a")
    ada = User("ada", rules=(parse_rule("allow read topic:a"),))
    one = Directory({"ada": ada})
    assert not one.open and one.may("ada", "read", "topic", "a")
    assert not one.may("ada", "write", "topic", "a") and not one.may("ANONYMOUS", "read", "topic", "a")


def test_a_directory_that_is_closed_stays_so_without_users() -> None:
    assert not Directory(closed=True).may("ANONYMOUS", "read", "topic", "a")


def test_roles_lend_their_rules_and_admin_is_above_denials() -> None:
    readers = Role("readers", (parse_rule("allow read topic:*"),))
    users = {
        "ada": User("ada", ("readers",), (parse_rule("deny read topic:pay*"),)),
        "root": User("root", ("admin",), (parse_rule("deny all topic:*"),)),
    }
    found = Directory(users, {"readers": readers})
    assert found.may("ada", "read", "topic", "x") and not found.may("ada", "read", "topic", "pay")
    for kind in KINDS:
        assert found.may("root", "delete", kind, "x") and found.may_somewhere("root", "write", kind)


def test_penstocks_own_processes_are_let_in_and_open_nothing() -> None:
    assert Directory().with_itself({}).open and not Directory(closed=True).with_itself({}).open
    closed = Directory({"ada": User("ada")}).with_itself({})
    assert closed.may("penstock", "delete", "topic", "a") and not closed.may("ada", "read", "topic", "a")
