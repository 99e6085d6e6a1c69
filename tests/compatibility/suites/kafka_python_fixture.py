"""Stands in for kafka-python's `test/service.py`, which its source archive leaves out: the server runs already."""


class ExternalService:
    """A server that somebody else starts and stops."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def open(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to stop."""

    stop = dump_logs = close


class SpawnedService(ExternalService):
    """Named by the fixtures, used only where they start servers themselves."""
