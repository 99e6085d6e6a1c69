"""All scenarios, by family, and the answers of ours that are meant to differ from RabbitMQ's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.amqp.differential.connecting import CONNECTING
from tests.amqp.differential.consuming import CONSUMING
from tests.amqp.differential.dead_letters import DEAD_LETTERS
from tests.amqp.differential.exchanges import EXCHANGES
from tests.amqp.differential.framing import FRAMING
from tests.amqp.differential.limits import LIMITS
from tests.amqp.differential.publishing import PUBLISHING
from tests.amqp.differential.queues import QUEUES
from tests.amqp.differential.quorum import QUORUM
from tests.amqp.differential.replying import REPLYING
from tests.amqp.differential.routing import ROUTING
from tests.amqp.differential.running import Outcome, Scenario
from tests.amqp.differential.settling import SETTLING

FAMILIES: Final[dict[str, tuple[Scenario, ...]]] = {
    "connections and channels": CONNECTING,
    "frames": FRAMING,
    "exchanges": EXCHANGES,
    "routing": ROUTING,
    "queues": QUEUES,
    "publishing, confirms, transactions": PUBLISHING,
    "consumers": CONSUMING,
    "acknowledgements": SETTLING,
    "limits, times, priorities": LIMITS,
    "dead letters": DEAD_LETTERS,
    "direct replies": REPLYING,
    "quorum queues and streams": QUORUM,
}

EVERY: Final[dict[str, Scenario]] = {one.__name__: one for family in FAMILIES.values() for one in family}


@dataclass(frozen=True)
class Difference:
    """Why we answer otherwise; `ours` makes our answer out of RabbitMQ's, `unmet` and `met` are facts that differ so."""

    reason: str
    ours: Callable[[Any], Any] = lambda answer: answer
    unmet: frozenset[str] = frozenset()
    met: frozenset[str] = frozenset()

    def expected(self, theirs: Outcome) -> Outcome:
        """What is expected of us."""
        return Outcome(self.ours(theirs.answer), theirs.met - self.unmet | self.met, theirs.took_s)


DIFFERENCES: Final[dict[str, Difference]] = {}
SAME: Final = Difference("")


def expected(name: str, theirs: Outcome) -> Outcome:
    """What is expected of us, given what RabbitMQ did."""
    return DIFFERENCES.get(name, SAME).expected(theirs)
