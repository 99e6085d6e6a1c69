"""What every gateway's session is: one client's bytes in, calls out; results in, bytes out, without a socket.

The driver (floor 5) owns the connection and the clocks and works a session like this::

    for ticket, call in session.receive(data, now):     # bytes came
        run(ticket, call)
    def run(ticket, call):                              # the broker answers at once or by a Later
        done(ticket, broker.answer(call, now))
    def done(ticket, result):
        for ticket, call in session.answer(ticket, result):   # an answer may let further calls start
            run(ticket, call)
        write(session.take_output())

Knows no protocol and no driver.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from penstock.calls import Bytes, Call
from penstock.clock import Now

Ticket: TypeAlias = object
Asked: TypeAlias = list[tuple[Ticket, Call]]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about one client that an operator may want to read; floor 5 adds the peer and logs it."""

    level: Literal["info", "warn", "error"]
    message: str


class Session(Protocol):
    """One client of one protocol. Nothing here waits, raises for bad input, or keeps unbounded memory."""

    closing: bool
    """The session wants to end: the driver writes what `take_output` still gives, then closes."""

    stalled: bool
    """Requests wait that could begin: the session had its turn. The driver writes, lets others have theirs, and calls
    `go_on`."""

    paused: bool
    """Nothing more is to be read of this client until a `tick` says otherwise."""

    bytes_in_flight: int
    """Bytes of requests received and not yet answered, with a fixed cost a request; the driver pauses reads on it."""

    @property
    def bytes_unfinished(self) -> int:
        """Bytes of a request that has not come whole yet: they count for the driver, too."""

    def receive(self, data: Bytes, now: Now) -> Asked:
        """Take what came from the socket; give the calls it makes, in order.

        The session may keep views of `data`: the driver hands over a buffer that it does not write to again.
        """

    def answer(self, ticket: Ticket, result: object) -> Asked:
        """Take the result (or `Refused`) of one call, in any order; give the calls that may start now.

        The session restores the order its protocol wants. A ticket may come back for a second call of its request.
        """

    def go_on(self) -> Asked:
        """Begin what waited for another turn; give the calls it makes."""

    def take_output(self) -> list[Bytes]:
        """Buffers ready to be written, in order; record batches are views, not copies. Ends the session's turn."""

    def stop(self) -> Asked:
        """The server stops: say so, where the protocol has words for it, and set `closing` once the client has agreed, or
        need not; the calls that put in order what it held. The driver waits a moment for it."""

    def lost(self) -> list[Call]:
        """The client is gone, or is being closed: the calls that put in order what it left. Called once."""

    def tick(self, now: Now) -> bool:
        """Let time pass: a session may set `closing` when its client has been silent too long, or `paused`, or have
        something to say. Whether there is something to write, or the end."""

    def take_notices(self) -> list[Notice]:
        """What happened since the last call that is worth a line in the log."""
