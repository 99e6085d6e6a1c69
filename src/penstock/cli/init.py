"""Make a project folder to start from: the demo's pipelines, ready to be changed."""

import argparse
import json
import shutil
from pathlib import Path

from penstock import demo
from penstock.errors import PenstockError

TOML = """\
# Settings of this project; every key is also a flag of `penstock up`. The defaults:
# kafka = "127.0.0.1:9092"
# http = "127.0.0.1:8080"
# data_dir = ".penstock"
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to make it."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="the folder to make; it must be new or empty"
    )


def copy_demo(folder: Path) -> list[Path]:
    """Copy the demo's pipelines into `folder`; what was written. Files that exist are left as they are."""
    written = []
    for source in sorted(Path(demo.__file__).parent.glob("pipelines/*")):
        target = folder / "pipelines" / source.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            written.append(target)
    return written


def run(given: argparse.Namespace) -> int:
    """Write the project and say what comes next."""
    folder: Path = given.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PenstockError(f"{folder} is not empty", remedy="name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    written = copy_demo(folder)
    (folder / "penstock.toml").write_text(TOML)
    (folder / ".gitignore").write_text(".penstock/\n")
    if given.json:
        print(json.dumps({"folder": str(folder), "files": [str(path) for path in written]}))
    else:
        print(f"{folder} is ready. Its pipelines read this computer's telemetry; start both with:\n")
        print(f"  penstock demo {folder}\n")
        print(f"or only the project, and send events of your own:\n\n  penstock up {folder}")
    return 0
