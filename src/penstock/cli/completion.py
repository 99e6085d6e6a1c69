"""Print a shell's completion of commands, verbs and flags.

    eval "$(penstock completion bash)"
    eval "$(penstock completion zsh)"

Put the line into ~/.bashrc or ~/.zshrc, or save what it prints in a file and source that.
"""

import argparse

from penstock.cli import main
from penstock.cli.describing import flags_of

BASH = """\
_penstock() {
  local words
  case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
%s
    *) words="%s" ;;
  esac
  COMPREPLY=($(compgen -o default -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _penstock penstock
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=("bash", "zsh"), help="the shell that shall read it")


def script() -> str:
    """The completion for bash; zsh reads it too."""
    cases = []
    for way in main.every_command():
        flags = " ".join(
            flag for each in flags_of(main.parser_of(*way)) for flag in each.words if flag[0] == "-"
        )
        cases.append(f'    "{" ".join(way)}{"" if len(way) > 1 else " "}"*) words="{flags}" ;;')
    menus = [
        f'    "{command} "*) words="{" ".join(verbs)}" ;;'
        for command in main.COMMANDS
        if (verbs := main.verbs_of(command))
    ]
    return BASH % ("\n".join(cases + menus), " ".join(main.COMMANDS))


def run(given: argparse.Namespace) -> int:
    """Print it."""
    if given.shell == "zsh":
        print("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit")
    print(script(), end="")
    return 0
