"""The table of Kafka APIs that are offered; each file in `api/` registers its function where it is defined.

An API is a function from a `Request` to a response row. One that has something to ask is a generator: it yields a
call, is sent the result, and returns the row; None means that Kafka sends no response. Knows no API by name.
"""

import datetime
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from penstock.calls import Call, Principal
from penstock.errors import Refused
from penstock.wire.kafka.codec import Header, request_type
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.fetch_sessions import FetchSessions
from penstock.wire.sasl import Login

NODE_ID: Final = 1
Steps: TypeAlias = Generator[Call, Any, Row | None]
Read: TypeAlias = Callable[[Header, memoryview, int], Any]
"""Header, whole frame, most array elements."""


class HangUpError(Exception):
    """The protocol's answer is to close the connection; the text is the notice."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as its API's function gets it. `message` is kio's; `node` is the host and port we advertise.

    `login` is the connection's, only what logs in looks at it; `fetch_sessions` are the server's, only Fetch does.
    """

    version: int
    message: Any
    principal: Principal
    node: tuple[str, int]
    login: Login
    fetch_sessions: FetchSessions
    mono_s: float

    def get(self, name: str, default: Any = None) -> Any:
        """A field that not all versions have."""
        return getattr(self.message, name, default)


Run: TypeAlias = Callable[[Request], "Steps | Row | None"]


@dataclass(frozen=True, slots=True)
class Api:
    """An offered API: versions `lowest` to `highest`; `alone`: begins only when all before it are answered.

    `announced` is the lowest version that ApiVersions tells of.
    """

    key: int
    name: str
    lowest: int
    highest: int
    run: Run
    read: Read | None
    alone: bool
    announced: int


OFFERED: Final[dict[int, Api]] = {}

F = TypeVar("F", bound=Run)


def api(
    key: int,
    versions: tuple[int, int],
    *,
    read: Read | None = None,
    alone: bool = False,
    announced: int | None = None,
) -> Callable[[F], F]:
    """Offer the decorated function as API `key`; `read` replaces kio's reader of the body."""

    def register(function: F) -> F:
        if key in OFFERED:
            raise RuntimeError(f"API {key} is offered already, by {OFFERED[key].run.__name__}")
        name = request_type(key, versions[1]).__name__.removesuffix("Request")
        lowest = versions[0] if announced is None else announced
        OFFERED[key] = Api(key, name, *versions, function, read, alone, lowest)
        return function

    return register


def ms(duration: datetime.timedelta) -> int:
    """kio's durations as milliseconds."""
    return duration // datetime.timedelta(milliseconds=1)


def each(result: Any, count: int) -> Sequence[Any]:
    """One result a part: a call refused as a whole is refused for every part."""
    if isinstance(result, Refused):
        return [result] * count
    return list(result)
