"""What an owner does to users and roles, each as a directory before and after. Knows no file and no terminal.

Randomness is passed in. Raises PenstockError where the wish makes no sense.
"""

from collections.abc import Callable
from dataclasses import replace

from penstock.errors import PenstockError
from penstock.users.directory import ADMIN, Directory, Role, User
from penstock.users.file import check_name
from penstock.users.passwords import PASSWORD_BYTES_MAX, SALT_BYTES, hash_password
from penstock.users.rules import Rule
from penstock.users.scram import HASHES, keys_of
from penstock.users.scram import SALT_BYTES as SCRAM_SALT_BYTES

Randomness = Callable[[int], bytes]
ROLE_PREFIX = "role:"


def add_user(
    before: Directory, name: str, password: str | None, roles: tuple[str, ...], randomness: Randomness
) -> Directory:
    """A new user; without a password only a certificate lets in."""
    _check(name)
    if name in before.users:
        raise PenstockError(f"there is a user {name} already", remedy=f"penstock user password {name}")
    for role in roles:
        if role != ADMIN and role not in before.roles:
            known = ", ".join([ADMIN, *before.roles])
            raise PenstockError(
                f"there is no role {role}", remedy=f"roles: {known}; allow role:{role} … makes it"
            )
    user = User(name, roles)
    if password is not None:
        user = _with_password(user, password, randomness)
    return _changed(before, user)


def set_password(before: Directory, name: str, password: str, randomness: Randomness) -> Directory:
    """The user with another password: every hash and key is made anew."""
    return _changed(before, _with_password(_found(before, name), password, randomness))


def remove(before: Directory, name: str) -> Directory:
    """Without the user, or with ``role:NAME`` without the role, which nobody may have then."""
    users, roles = dict(before.users), dict(before.roles)
    if name.startswith(ROLE_PREFIX):
        role = name.removeprefix(ROLE_PREFIX)
        if roles.pop(role, None) is None:
            raise PenstockError(f"there is no role {role}", remedy="penstock user list shows them")
        for user in users.values():
            users[user.name] = replace(user, roles=tuple(r for r in user.roles if r != role))
    else:
        del users[_found(before, name).name]
    return Directory(users, roles)


def add_rule(before: Directory, name: str, rule: Rule) -> Directory:
    """One more rule for a user, or for ``role:NAME``, which is made where it is missing."""
    if name.startswith(ROLE_PREFIX):
        role = name.removeprefix(ROLE_PREFIX)
        _check(role)
        if role == ADMIN:
            raise PenstockError(f"the role {ADMIN} may do everything already", remedy="choose another role")
        rules = before.roles[role].rules if role in before.roles else ()
        return Directory(before.users, {**before.roles, role: Role(role, _with(rules, rule))})
    user = _found(before, name)
    return _changed(before, replace(user, rules=_with(user.rules, rule)))


def drop_rule(before: Directory, name: str, rule: Rule) -> Directory:
    """Take a rule back; it must be there, word by word."""
    role = before.roles.get(name.removeprefix(ROLE_PREFIX)) if name.startswith(ROLE_PREFIX) else None
    owner = role or _found(before, name)
    if rule not in owner.rules:
        raise PenstockError(f"{name} has no rule '{rule}'", remedy="penstock user list shows the rules")
    rules = tuple(each for each in owner.rules if each != rule)
    if isinstance(owner, Role):
        return Directory(before.users, {**before.roles, owner.name: replace(owner, rules=rules)})
    return _changed(before, replace(owner, rules=rules))


def _changed(before: Directory, user: User) -> Directory:
    return Directory({**before.users, user.name: user}, before.roles)


def _with(rules: tuple[Rule, ...], rule: Rule) -> tuple[Rule, ...]:
    return rules if rule in rules else (*rules, rule)


def _found(before: Directory, name: str) -> User:
    if name not in before.users:
        raise PenstockError(f"there is no user {name}", remedy="penstock user list shows them")
    return before.users[name]


def _check(name: str) -> None:
    try:
        check_name(name)
    except ValueError as error:
        raise PenstockError(str(error), remedy="choose another name") from None


def _with_password(user: User, password: str, randomness: Randomness) -> User:
    try:
        data = password.encode()
    except UnicodeEncodeError:
        raise PenstockError("the password is not UTF-8", remedy="choose another") from None
    if not 1 <= len(data) <= PASSWORD_BYTES_MAX or "\0" in password:
        raise PenstockError(
            f"a password has 1 to {PASSWORD_BYTES_MAX} bytes and no NUL", remedy="choose another"
        )
    scram = {mechanism: keys_of(mechanism, password, randomness(SCRAM_SALT_BYTES)) for mechanism in HASHES}
    return replace(user, password=hash_password(password, randomness(SALT_BYTES)), scram=scram)
