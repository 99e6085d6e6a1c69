"""A penstock broker with the limits that the scenarios need, as Kafka gets them in `SETTINGS`.

python -m tests.differential.server --data-dir DIR --kafka 127.0.0.1:0      # flags as penstock.app.broker
"""

import sys
from functools import partial
from typing import Final
from unittest import mock

from penstock.app import broker
from penstock.broker.options import BrokerOptions

SESSION_MIN_MS: Final = 500
MEMBERS_MAX: Final = 5

SETTINGS: Final = {
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
    "log.cleaner.backoff.ms": "200",
    "group.min.session.timeout.ms": str(SESSION_MIN_MS),
    "group.max.size": str(MEMBERS_MAX),
}
OURS: Final = partial(
    BrokerOptions,
    group_initial_delay_ms=0,
    group_session_timeout_min_ms=SESSION_MIN_MS,
    group_members_max=MEMBERS_MAX,
)

if __name__ == "__main__":
    with mock.patch.object(broker, "BrokerOptions", OURS):
        sys.exit(broker.main())
