"""Until the log stands: its names, from the fake."""

import sys
import types
from pathlib import Path

if not (Path(__file__).parents[2] / "src/penstock/log/log.py").exists():
    from . import fake_log

    module = types.ModuleType("penstock.log")
    module.Log, module.Partition, module.Topic = fake_log.FakeLog, fake_log.Partition, fake_log.Topic  # type: ignore[attr-defined]
    module.DiskFull = fake_log.DiskFull  # type: ignore[attr-defined]
    sys.modules["penstock.log"] = module
