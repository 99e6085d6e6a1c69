"""How the supervisor's children know each other: a secret made for one run, handed over in their environment.

Never on a command line, which every user of the machine may read, and never on disk.
"""

import os
import secrets
from typing import Final

from penstock.users.directory import ITSELF

SECRET_VARIABLE: Final = "PENSTOCK_RUN_SECRET"
SECRET_MECHANISM: Final = "SCRAM-SHA-256"


class Passes:
    """One run's secret."""

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(32)

    def environment(self, broker: bool) -> dict[str, str]:
        """The environment of a child: the broker learns the secret, the others log in with it.

        How the user's own shell would log in, and to which servers, does not concern them.
        """
        prefixes = ("PENSTOCK_SASL_", "PENSTOCK_TLS")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
        if broker:
            return {**clean, SECRET_VARIABLE: self._secret}
        login = {"USER": ITSELF, "PASSWORD": self._secret, "MECHANISM": SECRET_MECHANISM}
        return clean | {f"PENSTOCK_SASL_{name}": value for name, value in login.items()}
