"""What a fresh install takes: seconds, and megabytes on disk, in an empty virtual environment."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def run() -> dict[str, Any]:
    """Install this checkout without development extras into a new environment."""
    with tempfile.TemporaryDirectory(prefix="bench-install-") as folder:
        begun_s = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = Path(folder, "bin", "pip")
        subprocess.run([pip, "install", "-q", "--no-cache-dir", str(ROOT)], check=True)
        took_s = time.monotonic() - begun_s
        size = sum(path.lstat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {"install": {"seconds": round(took_s, 1), "mb": round(size / 1e6)}}


if __name__ == "__main__":
    print(run())
