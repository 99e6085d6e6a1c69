r"""Templates such as ``%k\t%v``: records written by them, and lines read by them.

Tokens: ``%t`` topic, ``%p`` partition, ``%o`` offset, ``%d`` timestamp, ``%k`` key, ``%v`` value, ``%h`` headers as
JSON, ``%%``. An encoding may follow: ``%v{base64}``, ``%k{hex}``, ``%d{iso}``. Knows no command.
"""

import base64
import binascii
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from penstock.cli.formats import Draft, json_lines
from penstock.cli.moments import iso, time_ms
from penstock.cli.output import json_of
from penstock.errors import PenstockError
from penstock.record import Record

Encode = Callable[[bytes], bytes]
ESCAPES = {"t": b"\t", "n": b"\n", "r": b"\r", "0": b"\0", "\\": b"\\"}
ENCODINGS: dict[str, tuple[Encode, Encode]] = {
    "text": (bytes, bytes),
    "hex": (binascii.hexlify, binascii.unhexlify),
    "base64": (base64.b64encode, lambda text: base64.b64decode(text, validate=True)),
}
"""How bytes are written and read."""
FORMS = {"k": tuple(ENCODINGS), "v": tuple(ENCODINGS), "d": ("ms", "iso")} | dict.fromkeys("htpo", ("text",))
_PIECE = re.compile(r"%(.)(?:\{(\w*)\})?|\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)


@dataclass(frozen=True)
class Field:
    """One token: what of the record, in which form."""

    letter: str
    form: str


@dataclass(frozen=True)
class Template:
    """Literal bytes and fields in turn."""

    pieces: tuple[bytes | Field, ...]

    def write(self, topic: str, partition: int, found: Record, null: bytes, tame: Encode) -> bytes:
        """One record; `null` stands for no key or value, `tame` makes text harmless where it goes to a terminal."""
        out = []
        for piece in self.pieces:
            if isinstance(piece, bytes):
                out.append(piece)
            elif piece.letter in "kv":
                data = found.key if piece.letter == "k" else found.value
                encoded = null if data is None else ENCODINGS[piece.form][0](data)
                out.append(tame(encoded) if piece.form == "text" else encoded)
            else:
                out.append(_WRITE[piece.letter](topic, partition, found, piece.form).encode())
        return b"".join(out)

    def read(self, line: bytes, null: bytes | None) -> Draft:
        """One line; text equal to `null` is no key or value. Raises PenstockError where the line does not fit."""
        draft: dict[str, object] = {}
        for position, piece in enumerate(self.pieces):
            if isinstance(piece, bytes):
                if not line.startswith(piece):
                    raise PenstockError(
                        f"{_short(line)} does not begin with {_short(piece)}, as the format has it"
                    )
                line = line[len(piece) :]
                continue
            text = line
            if position + 1 < len(self.pieces):
                limit = self.pieces[position + 1]
                assert isinstance(limit, bytes)  # `parse` refuses two fields in a row
                text, found, _ = line.partition(limit)
                if not found:
                    raise PenstockError(f"no {_short(limit)} in {_short(line)}, as the format has it")
            line = line[len(text) :]
            draft |= _read(piece, text, null)
        if line:
            raise PenstockError(f"{_short(line)} is left over after the format")
        return Draft(**draft)  # type: ignore[arg-type]  # `_read` gives each field its type


def parse(text: str, letters: str, *, reading: bool = False) -> Template:
    """A template of the tokens in `letters`; raises PenstockError with what may stand in it."""
    pieces: list[bytes | Field] = []
    at = 0
    for found in _PIECE.finditer(text):
        _literal(pieces, text[at : found.start()].encode())
        at = found.end()
        if found[3] is not None:
            _literal(pieces, _escaped(found[3]))
        elif found[1] == "%":
            _literal(pieces, b"%")
        else:
            pieces.append(_field(found[1], found[2], letters))
    _literal(pieces, text[at:].encode())
    fields = [piece.letter for piece in pieces if isinstance(piece, Field)]
    if not fields:
        raise PenstockError(
            f"--format {text!r} shows nothing of a record", remedy=f"use json, or {_all(letters)}"
        )
    if reading:
        for one, other in itertools.pairwise(pieces):
            if isinstance(one, Field) and isinstance(other, Field):
                raise PenstockError(
                    f"--format: nothing separates %{one.letter} from %{other.letter}", remedy=r"write %k\t%v"
                )
        if len(set(fields)) < len(fields):
            raise PenstockError("--format names a field twice", remedy="name each once")
    return Template(tuple(pieces))


def _literal(pieces: list[bytes | Field], data: bytes) -> None:
    if data and pieces and isinstance(pieces[-1], bytes):
        pieces[-1] += data
    elif data:
        pieces.append(data)


def _escaped(word: str) -> bytes:
    if word in ESCAPES:
        return ESCAPES[word]
    if word[0] == "x" and len(word) == 3:
        return bytes.fromhex(word[1:])
    raise PenstockError(f"--format: \\{word} is no escape", remedy=r"there are \t \n \r \0 \\ and \xHH")


def _field(letter: str, form: str | None, letters: str) -> Field:
    if letter not in letters:
        raise PenstockError(f"--format: there is no %{letter} here", remedy=f"there are {_all(letters)}")
    form = FORMS[letter][0] if form is None else form
    if form not in FORMS[letter]:
        raise PenstockError(
            f"--format: %{letter} has no form {form!r}", remedy=f"it has {', '.join(FORMS[letter])}"
        )
    return Field(letter, form)


def _all(letters: str) -> str:
    return " ".join(f"%{letter}" for letter in letters)


def _short(data: bytes) -> str:
    return repr(data[:60].decode(errors="backslashreplace"))


_WRITE: dict[str, Callable[[str, int, Record, str], str]] = {
    "t": lambda topic, partition, found, form: topic,
    "p": lambda topic, partition, found, form: str(partition),
    "o": lambda topic, partition, found, form: str(found.offset),
    "d": lambda topic, partition, found, form: (
        iso(found.timestamp_ms) if form == "iso" else str(found.timestamp_ms)
    ),
    "h": lambda topic, partition, found, form: json_of(json_lines.headers_of(found)),
}


def _read(field: Field, text: bytes, null: bytes | None) -> dict[str, object]:
    """What a field's text says, by the name that `Draft` has for it."""
    try:
        if field.letter in "kv":
            name = "key" if field.letter == "k" else "value"
            return {name: None if text == null else ENCODINGS[field.form][1](text)}
        if field.letter == "p":
            return {"partition": int(text)}
        if field.letter == "h":
            return {"headers": json_lines.to_headers(json.loads(text))}
        at_ms = int(text) if field.form == "ms" else time_ms(text.decode())
        if at_ms is None:
            raise ValueError("no time")
        return {"timestamp_ms": at_ms}
    except ValueError as error:
        raise PenstockError(f"%{field.letter}{{{field.form}}} is {_short(text)}: {error}") from None
