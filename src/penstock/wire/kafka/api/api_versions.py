"""ApiVersions: which APIs in which versions. Derived from the registry. Never asks the broker.

0-2: first form; 3: flexible (the response header is not, KIP-511), the client names its software; 4: KIP-1022.
"""

import re
from typing import Final

from kio.schema.errors import ErrorCode

from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.registry import OFFERED, Request, api

KEY: Final = 18
SOFTWARE: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


@api(key=KEY, versions=(0, 4))
def api_versions(request: Request) -> Row:
    """Every offered API; refused where the client's name for itself is not one (KIP-511)."""
    if request.version >= 3:
        named = (request.message.client_software_name, request.message.client_software_version)
        if not all(SOFTWARE.fullmatch(name) for name in named):
            return {"error_code": ErrorCode.invalid_request}
    return {"api_keys": [_range(key) for key in sorted(OFFERED)]}


def unsupported_version() -> Row:
    """The answer to a version from the future: the error and, since KIP-511, the range of this API alone."""
    return {"error_code": ErrorCode.unsupported_version, "api_keys": [_range(KEY)]}


def _range(key: int) -> Row:
    return {"api_key": key, "min_version": OFFERED[key].announced, "max_version": OFFERED[key].highest}
