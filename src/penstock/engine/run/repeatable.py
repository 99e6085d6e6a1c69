"""Whether a plan gives the same answers when the same calls are made again: what a replay of its inputs counts on.

Event time, and the wall clock's readings that come with each call, are repeatable; chance and other systems are not.
Knows plans by their fields alone, so that new nodes and functions need nothing here: a node or a function that is not
repeatable says so with ``deterministic = False``.
"""

import dataclasses
from collections.abc import Iterable

from sqlglot import exp

CHANCE = frozenset({"RAND", "RAND_INTEGER", "UUID"})


def repeatable(plan: object) -> bool:
    """Whether nothing in a plan, or in a part of one, depends on more than its inputs."""
    if isinstance(plan, exp.Expression):
        return not any(_by_chance(part) for part in plan.walk())
    if getattr(plan, "deterministic", True) is False:
        return False
    if isinstance(plan, type):
        return True
    if dataclasses.is_dataclass(plan):
        return all(
            repeatable(getattr(plan, field.name)) for field in dataclasses.fields(plan) if field.compare
        )
    if isinstance(plan, Iterable) and not isinstance(plan, str | bytes | dict):
        return all(map(repeatable, plan))
    return True


def _by_chance(part: exp.Expr) -> bool:
    if getattr(part, "deterministic", True) is False or part.meta.get("deterministic", True) is False:
        return True
    name = (
        part.name
        if isinstance(part, exp.Anonymous)
        else part.sql_name()
        if isinstance(part, exp.Func)
        else ""
    )
    return name.upper() in CHANCE
