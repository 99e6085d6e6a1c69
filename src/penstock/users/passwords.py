"""Passwords as they are kept: scrypt (RFC 7914) in the PHC string format. Knows no users.

The cost is N=2^14, r=8, p=1, the scrypt paper's for logins (16 MiB, some 50 ms of one core); it stands in each hash, so a later release may raise it
and old hashes go on working. Hashing is slow on purpose: who has an event loop does it on a thread.
"""

import base64
import hashlib
import hmac
import re
from typing import Final

COST_LOG2: Final = 14
COST_LOG2_MIN: Final = 10
BLOCK: Final = 8
LANES: Final = 1
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
MEMORY_BYTES_MAX: Final = 256 * 1024 * 1024
PASSWORD_BYTES_MAX: Final = 1024
"""The longest password that is taken."""
_HASH: Final = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)


def hash_password(password: str, salt: bytes, cost_log2: int = COST_LOG2) -> str:
    """The hash to keep; `salt` is SALT_BYTES of fresh randomness. Only a random secret may cost less."""
    found = _scrypt(password, salt, (cost_log2, BLOCK, LANES), HASH_BYTES)
    return f"$scrypt$ln={cost_log2},r={BLOCK},p={LANES}${_text(salt)}${_text(found)}"


def check_hash(text: str) -> str:
    """The text, where it is such a hash and affordable; raises ValueError."""
    _parts(text)
    return text


def verify(text: str, password: str) -> bool:
    """Whether the password made this hash. Takes as long whether it did or not."""
    cost, salt, expected = _parts(text)
    return hmac.compare_digest(_scrypt(password, salt, cost, len(expected)), expected)


def nobodys(salt: bytes) -> str:
    """A hash that no password makes, as costly to check as a real one: for users that do not exist."""
    return f"$scrypt$ln={COST_LOG2},r={BLOCK},p={LANES}${_text(salt)}${_text(salt * 2)}"


def _parts(text: str) -> tuple[tuple[int, int, int], bytes, bytes]:
    found = _HASH.fullmatch(text)
    if found is None:
        raise ValueError("the password's hash is not of the form $scrypt$ln=…,r=…,p=…$salt$hash")
    log2, block, lanes = (int(number) for number in found.groups()[:3])
    if not (
        COST_LOG2_MIN <= log2 <= 20
        and 1 <= block <= 32
        and 1 <= lanes <= 16
        and 128 * block << log2 <= MEMORY_BYTES_MAX
    ):
        raise ValueError("the password's hash asks for a cost that is out of range")
    return (log2, block, lanes), _bytes(found[4]), _bytes(found[5])


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int], size: int) -> bytes:
    log2, block, lanes = cost
    memory = 128 * block * ((1 << log2) + lanes + 2) + 1024 * 1024
    return hashlib.scrypt(
        password.encode(), salt=salt, n=1 << log2, r=block, p=lanes, maxmem=memory, dklen=size
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("the password's hash is not base64") from None
