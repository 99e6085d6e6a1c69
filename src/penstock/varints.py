"""Numbers as records have them: signed, zigzag, seven bits a byte, lowest first, ten bytes at most (Protocol Buffers' sint64).

Knows bytes only.
"""


def varint_at(body: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends. Raises IndexError where the bytes end, ValueError for a longer one."""
    byte = body[at]
    if byte < 0x80:  # nine in ten are one byte
        return (byte >> 1) ^ -(byte & 1), at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = body[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at + 1
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


def put_varint(out: bytearray, number: int) -> None:
    """Append a number."""
    number = (number << 1) ^ (number >> 63)
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
