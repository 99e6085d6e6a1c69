"""Windows that take late rows: what a script SET about it, as the plan's windowed aggregates have it.

Flink's AFTER WATERMARK strategy (WindowEmitStrategy): without late firing an allowed lateness does nothing. Flink has it for
GROUP BY TUMBLE and HOP alone; here table functions' windows have it too. Knows nodes and settings.
"""

from collections.abc import Mapping
from dataclasses import replace

from penstock.engine.plan import Aggregate, Filter, Node, Project, Window, settings
from penstock.sql.faults import At, QueryError
from penstock.sql.nodes.intervals import milliseconds_of


def allowed_ms(given: Mapping[str, str], at: At = None) -> int:
    """For how long windows take late rows; raises `QueryError` where they would fire for none."""
    if given.get(settings.LATE_FIRE, "false").lower() != "true":
        return 0
    late_ms = milliseconds_of(given.get(settings.LATENESS, "0"))
    if not late_ms:
        raise QueryError(
            f"'{settings.LATE_FIRE}' needs '{settings.LATENESS}'",
            at,
            remedy=f"SET '{settings.LATENESS}' = '1 min';",
        )
    return late_ms


def lenient(node: Node, below: Node, late_ms: int, at: At = None) -> Node:
    """A SELECT's node, made over `below`, whose windows take rows that are so late."""
    if not late_ms or node == below or not isinstance(node, Project | Filter | Aggregate):
        return node
    made = node.on(lenient(node.source, below, late_ms, at))
    if not isinstance(made, Aggregate) or not made.window:
        return made
    window = made.source
    if isinstance(window, Window) and window.kind == "SESSION":
        raise QueryError(
            "session windows do not fire again for late rows",
            at,
            remedy=f"SET '{settings.LATE_FIRE}' = 'false';",
        )
    return made if isinstance(window, Window) and window.clock else replace(made, late_ms=late_ms)
