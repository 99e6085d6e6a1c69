"""What every call carries: who asks. And the one word for bytes."""

from dataclasses import dataclass
from typing import TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `name` is the user (``ANONYMOUS`` until users are configured); `host` the peer's address."""

    name: str = "ANONYMOUS"
    host: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What every call carries."""

    principal: Principal
