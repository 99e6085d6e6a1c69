r"""How records are written as text and read from it: templates (``%k\t%v``) and JSON lines.

What `consume` writes in either form, `produce` reads: a topic goes through a pipe and comes out the same.
"""

from dataclasses import dataclass

HELP = (
    "json, or a template: %%k key, %%v value, %%h headers as JSON, %%d timestamp in ms, %%p partition{more}; "
    "%%k{{hex}}, %%v{{base64}}, %%d{{iso}}; \\t \\n \\xHH"
)
"""What --format takes; `more` is what only one direction has."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as it was read; `partition` and `timestamp_ms` are None where the text does not say."""

    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    timestamp_ms: int | None = None
