"""Texts in other forms: hashes, Base64, hexadecimal, URLs, and characters by number.

Knows nothing of SQL text.
"""

import base64
import functools
import hashlib
import re
from collections.abc import Callable
from urllib.parse import quote_plus, unquote_plus

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.table import Value, function, known, refuse
from penstock.engine.functions.texts.strings import text_of
from penstock.errors import PenstockError


def _each(expr: pl.Expr, made: Callable[[str], str | None]) -> pl.Expr:
    """The function of every text that is there, each different one once."""

    def whole(texts: pl.Series) -> pl.Series:
        remembered = functools.lru_cache(4096)(made)
        found = [None if text is None else remembered(text) for text in texts.to_list()]
        return pl.Series(texts.name, found, dtype=pl.String)

    return expr.map_batches(whole, return_dtype=pl.String)


def _hashed(name: str, algorithm: str, value: Value) -> Value:
    return Value(
        "STRING", _each(text_of(name, value), lambda t: hashlib.new(algorithm, t.encode()).hexdigest())
    )


for _name, _algorithm in (
    ("MD5", "md5"), ("SHA1", "sha1"), ("SHA224", "sha224"), ("SHA256", "sha256"), ("SHA384", "sha384"), ("SHA512", "sha512"),
):  # fmt: skip
    function(_name, arguments=(1, 1))(functools.partial(_hashed, _name, _algorithm))


@function("SHA2", arguments=(2, 2))
def sha2(value: Value, length: Value) -> Value:
    """The SHA-2 hash of 224, 256, 384 or 512 bits."""
    bits = int(known("SHA2", length, "length"))
    if bits not in (224, 256, 384, 512):
        raise PenstockError(f"SHA2 has no length {bits}", remedy="224, 256, 384 or 512")
    return _hashed("SHA2", f"sha{bits}", value)


@function("TO_BASE64", arguments=(1, 1))
def to_base64(value: Value) -> Value:
    """The text's UTF-8 bytes in Base64."""
    return Value(
        "STRING", _each(text_of("TO_BASE64", value), lambda t: base64.b64encode(t.encode()).decode())
    )


@function("HEX", arguments=(1, 1))
def hexadecimal(value: Value) -> Value:
    """A whole number, or a text's UTF-8 bytes, in capital hexadecimal digits."""
    if kinds.is_integer(value.kind):
        return Value("STRING", _each(_bits(value), lambda t: format(int(t) % 2**64, "X")))
    return Value("STRING", _each(text_of("HEX", value), lambda t: t.encode().hex().upper()))


@function("BIN", arguments=(1, 1))
def binary(value: Value) -> Value:
    """A whole number's bits; those of a negative one are 64."""
    if not kinds.is_integer(value.kind):
        raise refuse("BIN", value, remedy="BIN takes a whole number")
    return Value("STRING", _each(_bits(value), lambda t: format(int(t) % 2**64, "b")))


def _bits(value: Value) -> pl.Expr:
    return value.expr.cast(pl.Int64).cast(pl.String)


@function("ASCII", arguments=(1, 1))
def ascii_of(value: Value) -> Value:
    """The first byte of the text as a number with its sign, 0 where it is empty: INT."""
    text = text_of("ASCII", value)
    first = _each(text, lambda t: str(int.from_bytes(t.encode()[:1], signed=True)))
    return Value("INT", first.cast(pl.Int32))


@function("CHR", arguments=(1, 1))
def character(value: Value) -> Value:
    """The character of a number's lowest eight bits; a negative number has none."""
    if not kinds.is_integer(value.kind):
        raise refuse("CHR", value, remedy="CHR takes a whole number")
    return Value("STRING", _each(_bits(value), lambda t: "" if int(t) < 0 else chr(int(t) % 256)))


@function("URL_ENCODE", arguments=(1, 1))
def url_encode(value: Value) -> Value:
    """As application/x-www-form-urlencoded has it."""
    return Value(
        "STRING",
        _each(text_of("URL_ENCODE", value), lambda t: quote_plus(t, safe="*-._").replace("~", "%7E")),
    )


@function("URL_DECODE", arguments=(1, 1))
def url_decode(value: Value) -> Value:
    """The opposite of URL_ENCODE; NULL where the text is no such form."""
    bad = re.compile("%(?![0-9A-Fa-f]{2})")
    decode = lambda t: None if bad.search(t) else unquote_plus(t)  # noqa: E731  read in place
    return Value("STRING", _each(text_of("URL_DECODE", value), decode))


# RFC 2396, appendix B.
_URL = re.compile(r"^([^:/?#]+):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$")
_PARTS = ("PROTOCOL", "HOST", "PATH", "QUERY", "REF", "FILE", "AUTHORITY", "USERINFO")


@function("PARSE_URL", arguments=(2, 3))
def parse_url(value: Value, part: Value, key: Value | None = None) -> Value:
    """A part of a URL, or of its query what stands for a key; NULL where there is none."""
    wanted = str(known("PARSE_URL", part, "part"))
    if wanted not in _PARTS:
        raise PenstockError(f"a URL has no part {wanted}", remedy=", ".join(_PARTS))
    name = None if key is None else str(known("PARSE_URL", key, "key"))
    return Value("STRING", _each(text_of("PARSE_URL", value), lambda t: _part(t, wanted, name)))


def _part(text: str, wanted: str, key: str | None) -> str | None:
    found = _URL.match(text)
    if found is None or found[1].lower() not in ("http", "https", "ftp", "file", "jar"):
        return None
    protocol, authority, path, query, ref = found.groups()
    user, at, host = (authority or "").rpartition("@")
    match wanted:
        case "QUERY" if key is not None:
            pairs = re.search(f"(&|^){re.escape(key)}=([^&]*)", query or "")
            return pairs[2] if pairs else None
        case "FILE":
            return path if query is None else f"{path}?{query}"
        case "USERINFO":
            return user if at else None
        case "HOST":
            return re.sub(r":\d*$", "", host)
    return {"PROTOCOL": protocol, "PATH": path, "QUERY": query, "REF": ref, "AUTHORITY": authority}[wanted]
