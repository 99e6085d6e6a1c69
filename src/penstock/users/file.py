"""The users' file: one JSON object a line, so that damage has a line number; written whole or not at all, mode 0600.

    {"penstock": "users", "version": 1}
    {"role": "readers", "rules": ["allow read topic:*"]}
    {"user": "ada", "roles": ["admin"], "password": "$scrypt$…", "scram": {"SCRAM-SHA-256": {…}}, "rules": []}

Knows the form and the file; decides nothing about what users may do.
"""

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from penstock.errors import PenstockError
from penstock.users.directory import ADMIN, ANONYMOUS, ITSELF, Directory, Role, User
from penstock.users.passwords import check_hash
from penstock.users.rules import Rule, parse_rule
from penstock.users.scram import HASHES, ITERATIONS_MAX, ITERATIONS_MIN, ScramKeys

FILE_NAME: Final = "users.jsonl"
VERSION: Final = 1
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
RESERVED: Final = (ITSELF, ANONYMOUS)
USER_KEYS: Final = {"user", "roles", "password", "scram", "rules"}
ROLE_KEYS: Final = {"role", "rules"}


class DamageError(ValueError):
    """What is wrong with a line."""


def parse(text: str, place: str = FILE_NAME) -> Directory:
    """The file's users and roles; raises PenstockError with the line that is damaged."""
    users: dict[str, User] = {}
    roles: dict[str, Role] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = _object(line)
            if number == 1:
                _check_head(row)
            elif "user" in row:
                _put(users, _user(row))
            else:
                _put(roles, _role(row))
        except ValueError as error:
            remedy = "mend the line, or restore the file from a copy; penstock user writes valid ones"
            raise PenstockError(str(error), place=place, line=number, column=1, remedy=remedy) from None
    if not text.strip():
        raise PenstockError("the file is empty", place=place, remedy="delete it to begin without users")
    return Directory(users, roles)


def render(directory: Directory) -> str:
    """The file's text."""
    rows: list[dict[str, Any]] = [{"penstock": "users", "version": VERSION}]
    rows += [{"role": role.name, "rules": _texts(role.rules)} for role in directory.roles.values()]
    for user in directory.users.values():
        if user.name not in RESERVED:
            scram = {mechanism: _packed(keys) for mechanism, keys in user.scram.items()}
            row: dict[str, Any] = {"user": user.name, "roles": list(user.roles), "password": user.password}
            rows.append({**row, "scram": scram, "rules": _texts(user.rules)})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read(path: Path) -> Directory:
    """The directory that a file holds; an open one where there is no file. Raises PenstockError."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        text = data.decode()
    except FileNotFoundError:
        return Directory()
    except OSError as error:
        raise PenstockError(
            f"the users' file cannot be read: {error.strerror}",
            remedy="make it readable for this user, or name another with --users",
            place=str(path),
        ) from None
    except UnicodeDecodeError:
        raise PenstockError(
            "the file is not UTF-8", place=str(path), remedy="restore it from a copy"
        ) from None
    if len(data) > FILE_BYTES_MAX:
        raise PenstockError(
            f"the file has more than {FILE_BYTES_MAX} bytes", place=str(path), remedy="restore it from a copy"
        )
    return parse(text, str(path))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold this while reading, changing and writing: two commands at once would lose one's change."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def write(path: Path, directory: Directory) -> None:
    """Replace the file by one for this directory, durably; a crash leaves the old or the new one."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(render(directory))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# --- lines -----------------------------------------------------------------------------------------------------------


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DamageError(f"the line is not JSON ({error})") from None
    if not isinstance(row, dict):
        raise DamageError("the line is not a JSON object")
    return row


def _check_head(row: Mapping[str, Any]) -> None:
    version = row.get("version")
    if row.get("penstock") != "users" or not isinstance(version, int):
        raise DamageError('the first line is not {"penstock": "users", "version": 1}')
    if version > VERSION:
        raise DamageError(
            f"the file has version {version}, written by a newer penstock; this one knows {VERSION}"
        )


def _put(found: dict[str, Any], one: User | Role) -> None:
    if one.name in found:
        raise DamageError(f"{one.name} stands in the file twice")
    found[one.name] = one


def _user(row: Mapping[str, Any]) -> User:
    _only(row, USER_KEYS)
    name = check_name(row["user"])
    password = row.get("password", "")
    scram = row.get("scram", {})
    if not isinstance(password, str) or not isinstance(scram, dict) or not set(scram) <= set(HASHES):
        raise DamageError(f"user {name}: the password is a text, scram holds {' and '.join(HASHES)}")
    keys = {mechanism: _unpacked(mechanism, packed) for mechanism, packed in scram.items()}
    return User(name, _names(row.get("roles", [])), _rules(row), password and check_hash(password), keys)


def _role(row: Mapping[str, Any]) -> Role:
    _only(row, ROLE_KEYS)
    name = check_name(row.get("role"))
    if name == ADMIN:
        raise DamageError(f"the role {ADMIN} is built in")
    return Role(name, _rules(row))


def check_name(name: object) -> str:
    """A name that a user or role may have; raises ValueError."""
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= 255
        or not name.isprintable()
        or name.strip() != name
    ):
        raise DamageError(f"{name!r} is no name: it has 1 to 255 printable characters")
    if name in RESERVED or ":" in name:  # HTTP Basic ends the user's name at its first colon
        raise DamageError(f"the name {name!r} is taken by penstock itself or holds a colon")
    return name


def _only(row: Mapping[str, Any], keys: set[str]) -> None:
    if not set(row) <= keys:
        raise DamageError(
            f"unknown: {', '.join(sorted(set(row) - keys))}; a line has {', '.join(sorted(keys))}"
        )


def _rules(row: Mapping[str, Any]) -> tuple[Rule, ...]:
    return tuple(parse_rule(text) for text in _names(row.get("rules", [])))


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise DamageError("roles and rules are lists of texts")
    return tuple(value)


def _texts(rules: tuple[Rule, ...]) -> list[str]:
    return [str(rule) for rule in rules]


def _packed(keys: ScramKeys) -> dict[str, Any]:
    parts = {"salt": keys.salt, "stored_key": keys.stored_key, "server_key": keys.server_key}
    return {"iterations": keys.iterations} | {n: base64.b64encode(part).decode() for n, part in parts.items()}


def _unpacked(mechanism: str, packed: object) -> ScramKeys:
    fields = packed if isinstance(packed, dict) else {}
    texts = [fields.get(name) for name in ("salt", "stored_key", "server_key")]
    iterations = fields.get("iterations")
    try:
        salt, stored, server = (base64.b64decode(text or "", validate=True) for text in texts)
    except (TypeError, ValueError):
        salt = stored = server = b""
    whole = salt and len(stored) == len(server) == hashlib.new(HASHES[mechanism]).digest_size
    if not whole or not isinstance(iterations, int) or not ITERATIONS_MIN <= iterations <= ITERATIONS_MAX:
        raise DamageError(f"the {mechanism} keys are damaged")
    return ScramKeys(salt, iterations, stored, server)
