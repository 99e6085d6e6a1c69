"""The broker process stays small: what it must not import, it does not."""

import subprocess
import sys

HEAVY = ("polars", "numba", "pyarrow", "numpy", "sqlglot", "arro3", "nanoarrow")


def test_the_broker_imports_neither_polars_nor_numba_nor_pyarrow() -> None:
    program = f"import sys, penstock.app.broker; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
