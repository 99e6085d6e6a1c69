"""What an operator's state weighs in memory, estimated: its frames and arrays by their size, large containers by a
sample of what is in them. Costs some ten microseconds an operator, whatever the state's size.

Finds state by its types, so that an operator says nothing about it. Knows no operator.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

SAMPLE = 64
OURS, NOT_STATE = "penstock.engine.", ("penstock.engine.plan", "penstock.engine.types")


def weight(thing: object) -> int:
    """Bytes of all frames and arrays that are reachable from it, each once."""
    return round(_weight(thing, set()))


def _weight(thing: Any, seen: set[int]) -> float:
    if isinstance(thing, str | bytes | int | float):
        return float(sys.getsizeof(thing))
    if id(thing) in seen:
        return 0.0
    seen.add(id(thing))
    if isinstance(thing, pl.DataFrame | pl.Series):
        return float(thing.estimated_size())
    if isinstance(thing, np.ndarray):
        texts = _sampled(thing[:SAMPLE].tolist(), len(thing), seen) if thing.dtype == object else 0.0
        return thing.nbytes + texts
    if isinstance(thing, dict):
        pairs = _sampled(thing.values(), len(thing), seen) + _sampled(thing.keys(), len(thing), seen)
        return sys.getsizeof(thing) + pairs
    if isinstance(thing, list | tuple | set):
        return sys.getsizeof(thing) + _sampled(thing, len(thing), seen)
    return sum(_weight(part, seen) for part in _parts(thing))


def _sampled(parts: Iterable[Any], count: int, seen: set[int]) -> float:
    looked = [_weight(part, seen) for part in islice(parts, SAMPLE)]
    return sum(looked) / len(looked) * count if looked else 0.0


def _parts(thing: object) -> Iterator[Any]:
    """What an object of the engine's own holds; of others nothing is state."""
    module = type(thing).__module__
    if not module.startswith(OURS) or module.startswith(NOT_STATE):
        return
    yield from getattr(thing, "__dict__", {}).values()
    yield from (getattr(thing, name) for name in getattr(type(thing), "__slots__", ()))
