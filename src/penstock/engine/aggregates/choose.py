"""Which accumulator an aggregate of the plan gets, by function and the argument's kind.

Knows the functions' names; knows nothing of how they compute.
"""

from collections.abc import Callable

import polars as pl

from penstock.engine.aggregates.accumulator import Accumulator
from penstock.engine.aggregates.count import Count
from penstock.engine.aggregates.distinct.any import Distinct
from penstock.engine.aggregates.distinct.whole import DistinctWhole
from penstock.engine.aggregates.edge import Edge, EdgeFloat, EdgeText
from penstock.engine.aggregates.extreme import Extreme, ExtremeFloat, ExtremeText
from penstock.engine.aggregates.gathered import Collected, Gathered, Listed
from penstock.engine.aggregates.history import History
from penstock.engine.aggregates.spread import Spread
from penstock.engine.aggregates.total import Mean, MeanFloat, Total, TotalFloat
from penstock.engine.aggregates.wide import ExtremeWide, MeanWide, TotalWide
from penstock.engine.functions import kinds
from penstock.engine.types import polars_type
from penstock.errors import PenstockError

_SPREADS = {
    "STDDEV_POP": (False, True), "STDDEV_SAMP": (True, True), "STDDEV": (True, True),
    "VAR_POP": (False, False), "VAR_SAMP": (True, False), "VARIANCE": (True, False),
}  # fmt: skip

Signed = Callable[[int], Accumulator]
_EXTREMES: dict[str, Signed] = {
    "float": ExtremeFloat, "wide": ExtremeWide, "text": ExtremeText, "int": Extreme,
}  # fmt: skip
_EDGES: dict[str, Signed] = {"float": EdgeFloat, "text": EdgeText, "int": Edge}


def accumulator(function: str, kind: str | None, distinct: bool, retracting: bool) -> Accumulator:
    """Cells for one aggregate; `retracting` where rows may be taken back. Raises `PenstockError`."""
    name, _, separator = function.partition(" ")
    name = name.upper()
    if name in GATHERING and kind is not None:
        gathered = _gathering(name, kind, separator)
        return Distinct(gathered, gathered.physical) if distinct else gathered
    if distinct and kind is not None and name not in ("MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"):
        made = _chosen(name, kind, retracting)
        whole = kinds.is_integer(kind)
        physical = polars_type(kind) if name == "COUNT" or kinds.is_decimal(kind) else _physical(kind)
        return DistinctWhole(made, physical) if whole and not retracting else Distinct(made, physical)
    return _chosen(name, kind, retracting)


GATHERING = ("ARRAY_AGG", "COLLECT", "LISTAGG")


def _gathering(name: str, kind: str, separator: str) -> Gathered:
    """LISTAGG's separator, where it is no comma, stands behind its name, in quotes."""
    if name == "LISTAGG":
        return Listed(separator[1:-1] if separator else ",")
    return (Collected if name == "COLLECT" else Gathered)(polars_type(kind))


def _physical(kind: str) -> pl.DataType:
    return pl.Float64() if kinds.is_float(kind) else pl.Int64()


def _chosen(name: str, kind: str | None, retracting: bool) -> Accumulator:
    if name == "COUNT":
        return Count()
    if kind is None or kinds.of_aggregate(name, kind) is None:
        raise PenstockError(f"{name}({kind or '*'}) is not defined", remedy="aggregate a column of numbers")
    family = (
        "float"
        if kinds.is_float(kind)
        else "wide"
        if kinds.is_decimal(kind)
        else "text"
        if kinds.is_text(kind)
        else "int"
    )
    if name in ("MIN", "MAX"):
        sign = 1 if name == "MAX" else -1
        if retracting:
            return History(sign, polars_type(kind))
        return _EXTREMES[family](sign)
    if name in ("FIRST_VALUE", "LAST_VALUE"):
        sign = 1 if name == "LAST_VALUE" else -1
        if retracting:
            raise PenstockError(
                f"{name} over rows that change is not offered", remedy="aggregate the source table itself"
            )
        if family == "wide" or kinds.name_of(kind) in kinds.BINARIES:
            raise PenstockError(
                f"{name}({kind}) is not offered", remedy="CAST the argument to STRING or DOUBLE"
            )
        return _EDGES[family](sign)
    if name in _SPREADS:
        return Spread(*_SPREADS[name])
    if name == "SUM":
        return {"float": TotalFloat, "wide": lambda: TotalWide(kind), "int": Total}[family]()
    if name == "AVG":
        return {"float": MeanFloat, "wide": lambda: MeanWide(kind), "int": Mean}[family]()
    raise PenstockError(f"the aggregate {name} is not offered")
