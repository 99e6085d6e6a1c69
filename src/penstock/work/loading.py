"""From a pipeline's file to its plan: SQL is parsed, Python is run and asked for its apps.

Knows what a pipeline file looks like; knows nothing of running it. Errors name file, line and column.
"""

import ast
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from penstock.engine.plan import Plan
from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.tasks.task import Task

SUFFIXES = (".sql", ".py")


@dataclass(frozen=True)
class Loaded:
    """What a file declares. The plan of one that has nothing but tasks is empty."""

    plan: Plan
    tasks: "tuple[Task[..., Any], ...]" = ()

    @property
    def only_tasks(self) -> bool:
        """Whether nothing in it is a pipeline."""
        return bool(self.tasks) and not self.plan.sinks


def pipeline_files(paths: tuple[str, ...]) -> list[Path]:
    """The pipeline files that `paths` name: files as they are, directories by what stands in them now."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [
                p for p in path.iterdir() if p.suffix in SUFFIXES and p.name[0] not in "._" and p.is_file()
            ]
            found += sorted(inside)
        elif path.is_file():
            found.append(path)
    return list(dict.fromkeys(found))


def load(path: Path, text: bytes) -> Loaded:
    """What a file declares. Raises PenstockError for what only its author can mend."""
    try:
        script = text.decode("utf-8-sig")  # some editors begin a file with a mark of its encoding
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        raise PenstockError(
            "the file is not UTF-8", remedy="save it as UTF-8", place=str(path), line=line
        ) from None
    if path.suffix == ".py":
        return _declared(_run(path, script), path)
    from penstock.sql import parse

    return Loaded(parse(script, place=str(path)))


def _run(path: Path, script: str) -> ModuleType:
    """The file as a fresh module; its folder can be imported from while it runs."""
    name = f"penstock_pipeline_{path.stem}"
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    folder = str(path.parent.resolve())
    _forget_modules(folder)
    sys.modules[name] = module
    sys.path.insert(0, folder)
    try:
        exec(compile(ast.parse(script, str(path)), str(path), "exec"), module.__dict__)
    except PenstockError as error:
        raise _placed(error, path) from error
    except SyntaxError as error:
        raise PenstockError(
            f"Python: {error.msg}", place=str(path), line=error.lineno or 0, column=error.offset or 0
        ) from None
    except Exception as error:
        raise PenstockError(
            f"{type(error).__name__}: {error}", place=str(path), line=_line_in(error, path)
        ) from error
    finally:
        sys.path.remove(folder)
    return module


def _forget_modules(folder: str) -> None:
    """What earlier pipelines imported from the folder may have been saved since: import it anew."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and str(Path(file).parent) == folder:
            del sys.modules[name]


def _declared(module: ModuleType, path: Path) -> Loaded:
    """The plans of all apps in the module, as one, and their tasks."""
    from penstock.dsl import App

    apps = list({id(v): v for v in vars(module).values() if isinstance(v, App)}.values())
    if not apps:
        raise PenstockError(
            "no app in this file",
            remedy='make one: app = App("name"); or begin the file\'s name with _ if it is only imported',
            place=str(path),
        )
    try:
        plans = [app.plan() for app in apps]
    except PenstockError as error:
        raise _placed(error, path) from error
    sinks = tuple(sink for plan in plans for sink in plan.sinks)
    tables = tuple(table for plan in plans for table in plan.tables)
    tasks = tuple(task for app in apps for task in getattr(app, "tasks", {}).values())
    return Loaded(Plan(sinks, tables, tuple(pair for plan in plans for pair in plan.settings)), tasks)


def _placed(error: PenstockError, path: Path) -> PenstockError:
    """The error with the file's line, where it has no place of its own."""
    if error.line:
        return error
    return PenstockError(error.message, remedy=error.remedy, place=str(path), line=_line_in(error, path))


def _line_in(error: BaseException, path: Path) -> int:
    """The line of the file that was running."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return (frames[-1].lineno or 0) if frames else 0
