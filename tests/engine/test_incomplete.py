"""What every node, operator and aggregate has to say is asked for when one is made, not when a query first needs it."""

import pytest

from penstock.engine.aggregates.accumulator import Accumulator, Part
from penstock.engine.operators.operator import Operator
from penstock.engine.plan import Node


@pytest.mark.parametrize(("base", "lacks"), [(Node, "schema"), (Operator, "on_rows"), (Part, "result"), (Accumulator, "merge")])  # fmt: skip
def test_an_incomplete_one_cannot_be_made(base: type, lacks: str) -> None:
    with pytest.raises(TypeError, match=lacks):
        type("Half", (base,), {})()
