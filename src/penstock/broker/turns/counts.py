"""Counters under their Prometheus names. Knows no exposition format and nobody who reads them."""

from collections import defaultdict


class Counts:
    """Sums that only grow; a label is part of the name: ``penstock_requests_total{call="Fetch"}``."""

    def __init__(self) -> None:
        self.sums: defaultdict[str, float] = defaultdict(float)
        self._requests: dict[type, str] = {}

    def add(self, name: str, amount: float = 1) -> None:
        """Count `amount` more."""
        self.sums[name] += amount

    def request(self, kind: type) -> None:
        """One more call of this type."""
        name = self._requests.get(kind)
        if name is None:
            name = self._requests[kind] = f'penstock_requests_total{{call="{kind.__name__}"}}'
        self.sums[name] += 1
