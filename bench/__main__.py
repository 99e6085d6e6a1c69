"""`make bench`: every measurement, one JSON file with the machine's description, and a table for people.

python -m bench [NAME …]        names: start, install, engine_loop, kafka_io, amqp, latency
"""

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

NAMES = ("start", "install", "engine_loop", "kafka_io", "amqp", "latency")
OUT = Path(__file__).parent / "out"


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    import psutil

    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Run what was named, or all."""
    names = sys.argv[1:] or NAMES
    found: dict[str, object] = {"at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "machine": machine()}
    for name in names:
        print(f"--- {name}", flush=True)
        found |= importlib.import_module(f"bench.{name}").run()
    OUT.mkdir(exist_ok=True)
    target = OUT / f"{'-'.join(names) if len(names) < len(NAMES) else 'all'}.json"
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    print(f"written to {target}")


if __name__ == "__main__":
    main()
