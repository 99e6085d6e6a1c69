"""``SET 'key' = 'value'``: which settings there are, and what values they take.

Source: Flink documentation, "Configuration"; those under ``penstock.`` are ours. Knows words; what a setting does is for
who reads it.
"""

from sqlglot.tokenizer_core import Token

from penstock.engine.plan import settings
from penstock.errors import PenstockError
from penstock.sql.ddl.options import check_topic
from penstock.sql.faults import QueryError, did_you_mean
from penstock.sql.nodes.intervals import milliseconds_of

# Settings whose value is what happens anyway; None: any value, it changes no result.
FIXED: dict[str, tuple[str, ...] | None] = {
    "execution.runtime-mode": ("streaming",),
    "table.local-time-zone": ("UTC", "Etc/UTC", "GMT"),
    "table.dml-sync": None,
    "parallelism.default": None,
    "table.exec.resource.default-parallelism": None,
    "table.exec.mini-batch.enabled": None,
    "table.exec.mini-batch.allow-latency": None,
    "table.exec.mini-batch.size": None,
    "execution.checkpointing.interval": None,
    "sql-client.execution.result-mode": None,
    settings.LATE_DELAY: ("0 s", "0s", "0 ms", "0ms", "0"),
}
LENGTHS = (settings.TTL, settings.IDLE, settings.LATENESS)
PLANS_WINDOWS = (settings.LATENESS, settings.LATE_FIRE)
"""Those that decide what rows a window gives, and so what can be made of them: they stand before the views."""


def said(key: Token, value: Token, views: bool) -> bool:
    """Whether a setting is to be remembered; raises `QueryError` for one that there is not, or a value it does not take."""
    name, text = key.text, value.text
    if name in PLANS_WINDOWS and views:
        raise QueryError(
            f"'{name}' is set after a view was declared, which would not go by it",
            key,
            remedy="put it before the first CREATE VIEW",
        )
    if name in LENGTHS:
        try:
            milliseconds_of(text)
        except PenstockError as error:
            raise QueryError(error.message, value, remedy=error.remedy) from None
        return True
    if name == settings.LATE_FIRE:
        return _one_of(key, value, ("true", "false"), "true or false")
    if name == settings.LATE_TOPIC:
        check_topic(text, value)
        return True
    if name not in FIXED:
        known = [*FIXED, *LENGTHS, settings.LATE_FIRE, settings.LATE_TOPIC]
        raise QueryError(
            f"setting '{name}' is not offered", key, remedy=did_you_mean(name, known, "settings")
        )
    allowed = FIXED[name]
    return False if allowed is None else not _one_of(key, value, allowed, f"'{allowed[0]}' is what happens")


def _one_of(key: Token, value: Token, allowed: tuple[str, ...], remedy: str) -> bool:
    if value.text.lower() not in [word.lower() for word in allowed]:
        raise QueryError(f"'{key.text}' = '{value.text}' is not offered", value, remedy=remedy)
    return True
