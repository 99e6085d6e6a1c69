"""SaslHandshake: the client names how it wants to log in. Never asks the broker.

0: the tokens follow without Kafka's headers; 1: they are carried by SaslAuthenticate.
"""

from typing import Final

from kio.schema.errors import ErrorCode

from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import Request, api
from penstock.wire.sasl import MECHANISMS

KEY: Final = 17


@api(key=KEY, versions=(0, 1), alone=True)
def sasl_handshake(request: Request) -> Row:
    """The mechanisms there are; who is in already cannot come in again (re-authentication is never asked for)."""
    login = request.login
    error = ErrorCode.none
    if login.entered or login.mechanism:
        login.over = True
        error = ErrorCode.illegal_sasl_state
    elif not login.choose(request.message.mechanism):
        error = ErrorCode.unsupported_sasl_mechanism
    login.bare_tokens = request.version == 0
    return {"error_code": error, "mechanisms": sorted(MECHANISMS)}
