"""Writes the generated pages of `docs/`: from the data that the code itself goes by.

python -m penstock.cli.docs docs
"""

import sys
from pathlib import Path

from penstock.cli import describing, wrong_sql
from penstock.sql import support as sql
from penstock.wire.amqp import support as amqp
from penstock.wire.kafka import support as kafka

PAGES = {
    "cli.md": ("The command line", describing.markdown),
    "compatibility/amqp.md": ("What the AMQP gateway offers", amqp.markdown),
    "kafka-support.md": ("What the Kafka gateway offers", kafka.markdown),
    "sql-errors.md": ("What is said of wrong SQL", wrong_sql.markdown),
    "sql-support.md": ("What the SQL can do", sql.markdown),
}


def pages() -> dict[str, str]:
    """Each generated page's text, by file name."""
    note = "Written by `make docs` from the tables that the code itself goes by."
    return {name: f"# {title}\n\n{note}\n\n{body().strip()}\n" for name, (title, body) in PAGES.items()}


def main(folder: Path) -> None:
    """Write every page anew."""
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
