"""How JSON is written: what the format's options say of it. Knows nothing of writing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class JsonStyle:
    """How values are written: moments in ISO form; nulls left out (`sparse`); a map's null keys dropped, called something, or
    an error ("")."""

    iso: bool = False
    sparse: bool = False
    null_key: str | None = ""
