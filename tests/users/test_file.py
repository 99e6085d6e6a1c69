"""The users' file: what is written is read, damage is told with its line, and no crash leaves half of one."""

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import PenstockError
from penstock.users import change, file
from penstock.users.directory import Directory, Role, User
from penstock.users.rules import parse_rule

READ_ALL = parse_rule("allow read topic:*")


@pytest.fixture(scope="module")
def directory() -> Directory:
    made = change.add_rule(Directory(), "role:readers", READ_ALL)
    made = change.add_user(made, "ada", "secret", ("readers", "admin"), os.urandom)
    return change.add_user(made, "CN of a certificate", None, (), os.urandom)


def test_what_is_written_is_read(directory: Directory, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    file.write(path, directory)
    found = file.read(path)
    assert (found.users, found.roles) == (directory.users, directory.roles)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret" not in path.read_text()
    assert [name.name for name in tmp_path.iterdir()] == ["users.jsonl"]


def test_no_file_means_no_users(tmp_path: Path) -> None:
    assert file.read(tmp_path / "none").open


def test_a_mode_that_others_may_read_is_taken_away(directory: Directory, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    path.write_text(file.render(directory))
    path.chmod(0o644)
    file.write(path, file.read(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_crash_while_writing_leaves_the_old_file(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users.jsonl"
    file.write(path, directory)
    monkeypatch.setattr(os, "fsync", lambda number: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        file.write(path, Directory({"eve": User("eve")}))
    assert "ada" in file.read(path).users
    assert [name.name for name in tmp_path.iterdir()] == ["users.jsonl"]


HEAD = '{"penstock": "users", "version": 1}'
DAMAGE = {
    "": 0, "\n\n": 1, "nonsense": 1, "[]": 1, '{"penstock": "users", "version": 2}': 1, '{"penstock": "users"}': 1,
    HEAD + "\n{": 2, HEAD + "\n[1]": 2, HEAD + '\n{"user": 7}': 2, HEAD + '\n{"user": "a:b"}': 2,
    HEAD + '\n{"user": "penstock"}': 2, HEAD + '\n{"user": "ANONYMOUS"}': 2, HEAD + '\n{"role": "admin"}': 2,
    HEAD + '\n{"user": "a"}\n{"user": "a"}': 3, HEAD + '\n{"user": "a", "admin": true}': 2,
    HEAD + '\n{"user": "a", "rules": ["allow fly topic:x"]}': 2, HEAD + '\n{"user": "a", "rules": "all"}': 2,
    HEAD + '\n{"user": "a", "password": "plain"}': 2, HEAD + '\n{"user": "a", "password": 7}': 2,
    HEAD + '\n{"user": "a", "scram": {"SCRAM-MD5": {}}}': 2, HEAD + '\n{"user": "a", "scram": {"SCRAM-SHA-256": {}}}': 2,
    HEAD + '\n{"user": "a", "scram": {"SCRAM-SHA-256": {"salt": "AA==", "iterations": 1, "stored_key": "", "server_key": ""}}}': 2,
    HEAD + "\n" + "[" * 100_000: 2, HEAD + "\n\n": 2,
}  # fmt: skip


@pytest.mark.parametrize("text", DAMAGE)
def test_damage_is_told_with_its_line(text: str) -> None:
    with pytest.raises(PenstockError) as told:
        file.parse(text, "users.jsonl")
    assert (told.value.place, told.value.line) == ("users.jsonl", DAMAGE[text])
    assert told.value.remedy


@settings(max_examples=300)
@given(st.data())
def test_a_file_cut_or_changed_anywhere_is_read_or_refused_in_words(data: st.DataObject) -> None:
    text = HEAD + '\n{"user": "ada", "roles": ["admin"], "rules": ["allow read topic:a*"]}\n'
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(st.text(max_size=3)) + text[place + data.draw(st.integers(0, 5)) :]
    try:
        found = file.parse(changed)
    except PenstockError as error:
        assert error.place
    else:
        again = file.parse(file.render(found))
        assert (again.users, again.roles) == (found.users, found.roles)


# --- changes ----------------------------------------------------------------------------------------------------------


def test_changes_do_what_they_say(directory: Directory) -> None:
    other = parse_rule("deny write topic:x")
    made = change.add_rule(change.add_rule(directory, "ada", other), "ada", other)
    assert made.users["ada"].rules == (other,)
    assert change.drop_rule(made, "ada", other).users["ada"].rules == ()
    assert change.drop_rule(directory, "role:readers", READ_ALL).roles["readers"] == Role("readers")
    without = change.remove(directory, "role:readers")
    assert without.users["ada"].roles == ("admin",) and not without.roles
    assert "ada" not in change.remove(directory, "ada").users
    again = change.set_password(directory, "ada", "secret", os.urandom).users["ada"]
    assert again.password != directory.users["ada"].password and again.roles == ("readers", "admin")


@pytest.mark.parametrize(
    "wish",
    [lambda d: change.add_user(d, "ada", "x", (), os.urandom), lambda d: change.add_user(d, "b", "x", ("no",), os.urandom),
     lambda d: change.add_user(d, "a:b", "x", (), os.urandom), lambda d: change.add_user(d, "b", "", (), os.urandom),
     lambda d: change.add_user(d, "b", "x" * 1025, (), os.urandom), lambda d: change.add_user(d, "b", "\udc80", (), os.urandom),
     lambda d: change.add_user(d, "penstock", "x", (), os.urandom), lambda d: change.remove(d, "bob"),
     lambda d: change.remove(d, "role:none"), lambda d: change.add_rule(d, "bob", READ_ALL),
     lambda d: change.add_rule(d, "role:admin", READ_ALL), lambda d: change.drop_rule(d, "ada", READ_ALL),
     lambda d: change.set_password(d, "bob", "x", os.urandom)],
)  # fmt: skip
def test_a_wish_without_sense_is_refused_with_a_remedy(directory: Directory, wish: object) -> None:
    with pytest.raises(PenstockError) as told:
        wish(directory)  # type: ignore[operator]
    assert told.value.remedy


def test_two_changes_at_once_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "users.jsonl"
    for name in ("one", "two"):
        with file.locked(path):
            file.write(path, change.add_user(file.read(path), name, None, (), os.urandom))
    assert set(file.read(path).users) == {"one", "two"}
    assert [json.loads(line).get("version", 0) for line in path.read_text().splitlines()] == [1, 0, 0]
