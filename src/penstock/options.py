"""Options stand once, in a frozen dataclass next to their reader; flag, TOML key and environment name come from here.

A field's docstring (the string literal after it) is its help text. `RetentionOptions.keep_s` in the section
``log.retention`` is ``--log-retention-keep-s``, ``[log.retention] keep_s`` and ``PENSTOCK_LOG_RETENTION_KEEP_S``.
Reads neither the command line nor files: floors 5 and 6 pass plain mappings in.
"""

import argparse
import ast
import dataclasses
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from penstock.errors import PenstockError

T = TypeVar("T")


def help_texts(options: type) -> dict[str, str]:
    """Each field's help: the string literal that follows it in the class's source."""
    body = typing.cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(options))).body[0]).body
    texts = {}
    for statement, after in itertools.pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            texts[typing.cast("ast.Name", statement.target).id] = inspect.cleandoc(str(after.value.value))
    return texts


def flag(section: str, name: str) -> str:
    """The command-line flag of a field: ``--log-retention-keep-s``."""
    return "--" + f"{section}.{name}".strip(".").replace(".", "-").replace("_", "-")


def environment(section: str, name: str) -> str:
    """The environment variable of a field: ``PENSTOCK_LOG_RETENTION_KEEP_S``."""
    return "PENSTOCK_" + f"{section}.{name}".strip(".").replace(".", "_").replace("-", "_").upper()


def add_flags(
    parser: argparse.ArgumentParser, options: type, section: str = "", skip: Collection[str] = ()
) -> None:
    """One flag a field, its help the field's docstring; what is given stands under ``<section>.<name>`` or the name."""
    texts = help_texts(options)
    for field in dataclasses.fields(options):
        if field.name not in skip:
            parser.add_argument(
                flag(section, field.name),
                dest=f"{section}.{field.name}".strip("."),
                metavar=field.name.upper(),
                help=f"{texts.get(field.name, '')} (default: {field.default})".replace("%", "%%"),
            )


def given_flags(given: Mapping[str, Any], options: type, section: str = "") -> dict[str, Any]:
    """What of a section's fields stands on a parsed command line (``vars`` of its namespace)."""
    names = [field.name for field in dataclasses.fields(options)]
    found = {name: given.get(f"{section}.{name}".strip(".")) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def given_words(options: Any, section: str, skip: Collection[str] = ()) -> list[str]:
    """The options as a command line gives them, for a process that is handed them."""
    names = [field.name for field in dataclasses.fields(options) if field.name not in skip]
    return [word for name in names for word in (flag(section, name), str(getattr(options, name)))]


def read(
    options: type[T], section: str, *sources: Mapping[str, Any], place: str = "", skip: Collection[str] = ()
) -> T:
    """Build `options` from plain mappings, the first that has a field winning; `skip` are fields that nobody may set.

    Raises `PenstockError` for an unknown key or a value of the wrong type, naming the key and what it takes.
    """
    fields = {f.name: f for f in dataclasses.fields(options) if f.name not in skip}  # type: ignore[arg-type]  # T is a dataclass
    hints = typing.get_type_hints(options)
    values: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            if key not in fields:
                known = ", ".join(sorted(fields))
                raise PenstockError(
                    f"unknown option {section}.{key}", remedy=f"known here: {known}", place=place
                )
            if key not in values and value is not None:
                values[key] = _typed(value, hints[key], f"{section}.{key}", place)
    return options(**values)


def _typed(value: Any, hint: Any, name: str, place: str) -> Any:
    kinds = [
        k
        for k in (typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,))
        if k is not type(None)
    ]
    kind = kinds[0]
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
                str(value).lower()
            ]
        return kind(value)
    except (KeyError, TypeError, ValueError):
        raise PenstockError(f"option {name} takes {kind.__name__}, not {value!r}", place=place) from None
