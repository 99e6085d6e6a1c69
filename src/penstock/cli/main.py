"""`penstock COMMAND …`: finds the command, reads its flags, shows its errors. Knows no command's work.

A command is a module with a docstring (its first line is its help), `arguments(parser)` and `run(given) -> int`. One
with verbs is a package whose `VERBS` names modules of that same shape. They are imported when called, so that
`penstock --help` needs neither polars nor a server.
"""

import argparse
import ast
import contextlib
import importlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from penstock.errors import PenstockError
from penstock.version import __version__

COMMANDS = (
    "up",
    "demo",
    "run",
    "init",
    "topic",
    "produce",
    "consume",
    "group",
    "queue",
    "exchange",
    "binding",
    "vhost",
    "dlq",
    "sql",
    "job",
    "table",
    "user",
    "doctor",
    "completion",
)
"""In the order of the help. Each is the module or package `penstock.cli.<name>`."""

EXIT_CODES = {
    0: "done",
    1: "the answer is no: a check failed, or you declined",
    2: "something you can mend, named on standard error with its remedy",
    130: "interrupted with Ctrl-C",
    141: "whoever read the output went away",
}
WINDOWS = "penstock: Windows is not supported; run it inside WSL (https://aka.ms/wsl)"


def help_of(*words: str) -> str:
    """A command's docstring, read without importing what the command imports."""
    place = Path(__file__).parent.joinpath(*words)
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return ast.get_docstring(ast.parse(file.read_text())) or ""


def verbs_of(command: str) -> tuple[str, ...]:
    """The verbs of a command that has some, in the order of its help."""
    if not Path(__file__).with_name(command).is_dir():
        return ()
    return tuple(importlib.import_module(f"penstock.cli.{command}").VERBS)


def every_command() -> Iterator[tuple[str, ...]]:
    """All there is to call: ``("up",)``, ``("topic", "list")``, …"""
    for command in COMMANDS:
        verbs = verbs_of(command)
        yield from [(command, verb) for verb in verbs] if verbs else [(command,)]


class Parser(argparse.ArgumentParser):
    """argparse's, with docstrings left in their lines and flags to be written out."""

    def __init__(self, **words: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **words)


def parser_of(*words: str) -> Parser:
    """The parser of one command's flags."""
    parser = Parser(prog=f"penstock {' '.join(words)}", description=_indented(help_of(*words)))
    module = importlib.import_module(".".join(("penstock.cli", *words)))
    module.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line, for programs")
    parser.set_defaults(run=module.run)
    return parser


def menu_of(*words: str) -> Parser:
    """The parser where no command is named yet: all there are, or all verbs of one, with their help."""
    if words:
        parser = Parser(prog=f"penstock {words[0]}", description=help_of(*words))
    else:
        codes = "\n".join(f"  {code:<5} {what}" for code, what in EXIT_CODES.items())
        parser = Parser(
            prog="penstock", description="The real-time stack in one command.", epilog=f"exit codes:\n{codes}"
        )
        parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    kind, names = ("VERB", verbs_of(*words)) if words else ("COMMAND", COMMANDS)
    below = parser.add_subparsers(required=True, metavar=kind, dest=kind)
    for name in names:
        below.add_parser(name, help=help_of(*words, name).split("\n")[0])
    return parser


def _indented(text: str) -> str:
    """A docstring with its examples set off."""
    return re.sub(r"^(?=penstock )", "  ", text, flags=re.MULTILINE)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The flags of the command that `words` name; ends the program where they name none, or ask for help."""
    way = tuple(words[:1]) if words and words[0] in COMMANDS else ()
    verbs = verbs_of(*way) if way else ()
    if way and verbs and len(words) > 1 and words[1] in verbs:
        way, verbs = (*way, words[1]), ()
    if not way or verbs:
        return menu_of(*way).parse_args(words[len(way) :])
    return parser_of(*way).parse_intermixed_args(words[len(way) :])


def joined(words: Sequence[str]) -> list[str]:
    """``--from -5m`` as ``--from=-5m``: argparse takes what begins with a dash for a flag."""
    out: list[str] = []
    for word in words:
        if re.fullmatch(r"-\d+(ms|[smhdw])?", word) and out and re.fullmatch(r"--[a-z-]+", out[-1]):
            out[-1] += f"={word}"
        else:
            out.append(word)
    return out


def main(words: list[str] | None = None) -> int:
    """Run one command; the exit code, as `EXIT_CODES` tells them."""
    if sys.platform == "win32":
        print(WINDOWS, file=sys.stderr)
        return 2
    words = joined(sys.argv[1:] if words is None else words)
    given = parse(words)
    try:
        code = int(given.run(given))
        sys.stdout.flush()
        return code
    except PenstockError as error:
        _complain(error, as_json=given.json)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        with contextlib.suppress(OSError):  # what is still buffered must not fail again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141


def _complain(error: PenstockError, *, as_json: bool) -> None:
    if as_json:
        said = {"error": error.message, "remedy": error.remedy, "place": error.place}
        print(json.dumps(said), file=sys.stderr)
    else:
        print(f"penstock: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
