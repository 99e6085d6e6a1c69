"""Calls of clients that say who they are, and of gateways that ask what someone may do."""

from dataclasses import dataclass, field

from penstock.calls.call import Call


@dataclass(frozen=True, slots=True)
class CheckPassword(Call):
    """Whether `password` is the user's. Answer: True, or `Refused`, later: checking costs time on purpose.

    NOT_ALLOWED: the user or the password is wrong (the answer comes late, and counts as a failed login); BUSY: too
    many logins wait.
    """

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FindScram(Call):
    """What is kept of a user's password for a SCRAM mechanism. Answer: `users.scram.ScramKeys`, for everyone.

    For a user who does not exist the keys are ones that no password fits, the same at every call.
    """

    mechanism: str
    user: str


@dataclass(frozen=True, slots=True)
class EndLogin(Call):
    """A gateway found a login good or bad. Answer: None, for a bad one later: guessing is slowed down."""

    mechanism: str
    user: str
    good: bool


@dataclass(frozen=True, slots=True)
class AskAccess(Call):
    """Whether the principal may do `operation` on resources of a `kind`. Answer: one `None | Refused` a name."""

    operation: str
    kind: str
    names: tuple[str, ...]
