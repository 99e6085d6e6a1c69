"""All scenarios, by family, and the answers of ours that are meant to differ from RabbitMQ's."""

import re
from collections.abc import Callable
from typing import Any, Final

from tests.amqp.differential.access import ACCESS
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
from tests.amqp.differential.settling import SETTLING
from tests.beside.comparison import Difference
from tests.beside.running import Scenario

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
    "what users may do": ACCESS,
}


def at(*changes: tuple[int, Any]) -> Callable[[Any], Any]:
    """An answer that differs at these places of the list that it is."""
    told = dict(changes)
    return lambda answer: [told.get(place, one) for place, one in enumerate(answer)]


def told_why(
    code: int, text: str, method: str, what: str, was: str = "the connection is closed"
) -> Difference:
    """RabbitMQ's connection ends in an error of its own, without a word; ours says what is wrong."""
    named = re.sub("<<.*?>>", "…", text)
    return Difference(
        "RabbitMQ ends in an error of its own and without a word, or waits for ever; here the reason is told",
        at((0, ["connection.close", code, text, method])),
        unmet=frozenset({f"{what}: {was}"}),
        met=frozenset(
            {
                f"{what}: connection.close",
                f"{method or 'a frame'}: connection.close {code} {re.sub('[0-9]+', 'n', named)}",
            }
        ),
    )


def hidden(kind: str, name: str) -> Difference:
    """A passive declaration by somebody who may do nothing with the thing."""
    text = f"ACCESS_REFUSED - access to {kind} '{name}' in vhost '/' refused for user 'limited'"
    return Difference(
        "whether there is such a thing is told to those who may do something with it; RabbitMQ tells everybody",
        at((0, ["channel.close", 403, text, f"{kind}.declare"])),
        unmet=frozenset({f"{kind}.declare, passive: {kind}.declare-ok"}),
        met=frozenset(
            {
                f"{kind}.declare: channel.close 403 ACCESS_REFUSED - access to {kind} … in vhost … refused for user …"
            }
        ),
    )


DIFFERENCES: Final[dict[str, Difference]] = {
    "amqp_0_9_is_spoken_too": Difference(
        "only 0-9-1 is spoken: 0-9 differs from it and no client of today speaks it; it is told so as the protocol says",
        at((0, "protocol header")),
        unmet=frozenset({"protocol header [1, 1, 0, 9]: connection.start"}),
        met=frozenset({"protocol header [1, 1, 0, 9]: protocol header"}),
    ),
    "a_method_that_nobody_knows": told_why(
        503, "COMMAND_INVALID - unimplemented method", "", "a method that nobody knows on channel 1"
    ),
    "a_class_that_nobody_knows": told_why(
        504,
        "CHANNEL_ERROR - unexpected method in connection state running",
        "",
        "a method that nobody knows on channel 0",
    ),
    "a_field_of_no_known_type": told_why(
        501,
        "FRAME_ERROR - cannot decode <<0,0,1,113,0,0,0,0,7,1,107,90,0,0,0,0>>",
        "queue.declare",
        "queue.declare on channel 1",
    ),
    "a_body_longer_than_its_header_said": told_why(
        501,
        "FRAME_ERROR - a body frame of 8 bytes where 1 were left",
        "basic.publish",
        "a content body on channel 1",
        "nothing",
    ),
    "somebody_else_s_queue_is_looked_at": hidden("queue", "somebody-else-s-queue-is-looked-at"),
    "somebody_else_s_exchange_is_looked_at": hidden("exchange", "somebody-else-s-exchange-is-looked-at"),
    "a_reply_comes_without_a_queue": Difference(
        "RabbitMQ gives a mandatory reply to whom it is for, and returns it as well; here it is returned only if it went nowhere",
        at((4, [])),
        unmet=frozenset({"basic.return: 312 NO_ROUTE", "basic.return: through the default exchange"}),
    ),
}
