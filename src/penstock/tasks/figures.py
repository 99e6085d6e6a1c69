"""What a worker's tasks have done since it began them, in numbers. Knows no queue and no clock."""

from dataclasses import dataclass

from penstock.tasks.attempt import Again, Done


@dataclass
class Figures:
    """One task's. `busy_s` is what its calls took together; those that run side by side each count."""

    done: int = 0
    retried: int = 0
    dead_letters: int = 0
    running: int = 0
    busy_s: float = 0.0

    def ended(self, outcome: Done | Again) -> None:
        """One attempt came to this."""
        if isinstance(outcome, Done):
            self.done += 1
        elif outcome.wait_ms:
            self.retried += 1
        else:
            self.dead_letters += 1

    @property
    def taken(self) -> int:
        """How many attempts have ended."""
        return self.done + self.retried + self.dead_letters
