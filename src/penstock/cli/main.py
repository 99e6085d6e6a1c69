"""`penstock COMMAND …`: finds the command, reads its flags, shows its errors. Knows no command's work.

A command is a module with a docstring (its first line is its help), `arguments(parser)` and `run(given) -> int`.
They are imported when called, so that `penstock --help` needs neither polars nor a server.
"""

import argparse
import ast
import importlib
import sys
from pathlib import Path

from penstock import __version__
from penstock.errors import PenstockError

COMMANDS = ("up", "demo", "init", "topic", "produce", "consume", "group", "sql", "table")
"""In the order of the help. Each is the module `penstock.cli.<name>`."""


def help_of(command: str) -> str:
    """The first line of a command's docstring, read without importing what the command imports."""
    source = Path(__file__).with_name(f"{command}.py").read_text()
    words = ast.get_docstring(ast.parse(source)) or ""
    return words.split("\n")[0]


def parser_for(command: str | None) -> argparse.ArgumentParser:
    """The parser: all commands by name and help, the flags of the one that is called."""
    parser = argparse.ArgumentParser(prog="penstock", description="The real-time stack in one command.")
    parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        text = help_of(name)
        sub = commands.add_parser(name, help=text, description=text)
        if name == command:
            importlib.import_module(f"penstock.cli.{name}").arguments(sub)
            sub.add_argument("--json", action="store_true", help="print JSON, one value a line, for programs")
    return parser


def main(words: list[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 the answer is no, 2 something the user can mend."""
    words = sys.argv[1:] if words is None else words
    if sys.platform == "win32":
        print("penstock: Windows is not supported; run it inside WSL (https://aka.ms/wsl)", file=sys.stderr)
        return 2
    command = next((word for word in words if not word.startswith("-")), None)
    given = parser_for(command).parse_args(words)
    try:
        return int(importlib.import_module(f"penstock.cli.{given.command}").run(given))
    except PenstockError as error:
        print(f"penstock: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: nothing to say, and nobody to say it to
        return 141


if __name__ == "__main__":
    sys.exit(main())
