"""One byte budget for the unanswered requests of all connections together."""

from dataclasses import dataclass


@dataclass
class Budget:
    """`held_bytes` of requests wait for their answers; at `bytes_max` connections that wait stop reading."""

    bytes_max: int
    held_bytes: int = 0

    @property
    def full(self) -> bool:
        """Whether no further request should be read."""
        return self.held_bytes >= self.bytes_max

    def change(self, amount: int) -> None:
        """A connection holds `amount` bytes more (or fewer)."""
        self.held_bytes += amount
