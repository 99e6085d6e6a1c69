"""SaslAuthenticate: one token of a login each way.

0: first; 1: session lifetime (0: for as long as the connection lasts); 2: flexible.
"""

from typing import Final

from kio.schema.errors import ErrorCode

from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import HangUpError, Request, Steps, api

KEY: Final = 36


@api(key=KEY, versions=(0, 2), alone=True)
def sasl_authenticate(request: Request) -> Steps:
    """The next challenge, the mechanism's last word, or why not: in words that tell no more than Kafka's do."""
    login, mechanism = request.login, request.login.mechanism
    if not mechanism and not login.entered:
        raise HangUpError("SaslAuthenticate came before SaslHandshake")
    if not mechanism:
        login.over = True
        words = "SaslAuthenticate request received after successful authentication"
        return _refused_row(ErrorCode.illegal_sasl_state, words)
    said = yield from login.take(request.principal, bytes(request.message.auth_bytes))
    if not isinstance(said, Refused):
        return {"error_message": None, "auth_bytes": said.token}
    if said.reason is Refusal.BUSY:
        # No error code says "later" in a way that clients try again; a lost connection does.
        raise HangUpError(f"a login was put off: {said.detail}")
    words = "Authentication failed: Invalid username or password"
    if mechanism != "PLAIN":
        words = f"Authentication failed during authentication due to invalid credentials with SASL mechanism {mechanism}"
    return _refused_row(ErrorCode.sasl_authentication_failed, words)


def _refused_row(error: ErrorCode, words: str) -> Row:
    return {"error_code": error, "error_message": words, "auth_bytes": b""}
