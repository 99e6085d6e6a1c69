"""What an AMQP server says no with, and that it is gone. Knows codes; knows no connection."""

from penstock.errors import PenstockError

LOST = 0
"""The code of a connection that broke, or was never there."""
ACCESS_REFUSED, NOT_FOUND, PRECONDITION = 403, 404, 406


class AmqpError(PenstockError):
    """The server's own words; `code` is AMQP's reply code, `LOST` where nobody answers."""

    passing = True

    def __init__(self, message: str, code: int = LOST, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
