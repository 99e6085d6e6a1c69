"""All users and roles at one moment, and the one question that every protocol asks of them: may this user do that?

Knows no calls: operations, kinds and names are words (see `rules`). Immutable: a changed file makes a new directory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.users.rules import Rule, allowed, allowed_somewhere
from penstock.users.scram import ScramKeys

ADMIN: Final = "admin"
"""The role that may do everything; no denial holds against it. Built in."""
ITSELF: Final = "penstock"
"""The user as which penstock's own processes log in, with a secret made for one run. Built in."""
ANONYMOUS: Final = "ANONYMOUS"
DECISIONS_MAX: Final = 20_000


@dataclass(frozen=True)
class Role:
    """Rules under a name."""

    name: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class User:
    """`password` is a hash (see `passwords`); without one and without `scram` keys only a certificate lets in."""

    name: str
    roles: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    password: str = field(default="", repr=False)
    scram: Mapping[str, ScramKeys] = field(default_factory=dict, repr=False)


class Directory:
    """Users and roles. With no users at all everything is `open`, unless it is `closed` for good."""

    def __init__(
        self,
        users: Mapping[str, User] | None = None,
        roles: Mapping[str, Role] | None = None,
        *,
        closed: bool = False,
    ) -> None:
        self.users, self.roles = dict(users or {}), dict(roles or {})
        self.open = not closed and not any(name != ITSELF for name in self.users)
        self._decided: dict[tuple[str, str, str, str], bool] = {}

    def may(self, user: str, operation: str, kind: str, name: str) -> bool:
        """Whether the user may do this to the resource."""
        if self.open:
            return True
        asked = (user, operation, kind, name)
        decided = self._decided.get(asked)
        if decided is None:
            if len(self._decided) >= DECISIONS_MAX:
                self._decided.clear()
            rules = self._rules(user)
            decided = self._decided[asked] = rules is None or allowed(rules, operation, kind, name)
        return decided

    def may_somewhere(self, user: str, operation: str, kind: str) -> bool:
        """Whether the user may do this to some resource of the kind."""
        rules = self._rules(user)
        return self.open or rules is None or allowed_somewhere(rules, operation, kind)

    def _rules(self, user: str) -> tuple[Rule, ...] | None:
        """All rules that hold for a user; None for whom everything is allowed."""
        found = self.users.get(user)
        if found is None:
            return ()
        if ADMIN in found.roles:
            return None
        return found.rules + tuple(
            r for name in found.roles if name in self.roles for r in self.roles[name].rules
        )

    def with_itself(self, keys: Mapping[str, ScramKeys], password: str = "") -> "Directory":
        """The same, and penstock's own processes let in by `keys`, or the hash of a password."""
        itself = User(ITSELF, (ADMIN,), password=password, scram=keys)
        return Directory({**self.users, ITSELF: itself}, self.roles, closed=not self.open)
