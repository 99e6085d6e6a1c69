"""Input as it comes: lines of a file, a pipe or a terminal, in groups, without waiting for more than there is.

Knows file descriptors; knows nothing of what lines mean.
"""

import asyncio
import os
from collections.abc import AsyncIterator

from penstock.errors import PenstockError

READ_BYTES = 1024 * 1024
LINE_BYTES_MAX = 64 * 1024 * 1024


async def groups_of_lines(fd: int) -> AsyncIterator[list[bytes]]:
    """Whole lines without their line feeds, as many as could be read at once; the last may lack its line feed."""
    tail = b""
    while data := await _some(fd):
        *lines, tail = (tail + data).split(b"\n")
        if len(tail) > LINE_BYTES_MAX:
            raise PenstockError(
                f"a line of more than {LINE_BYTES_MAX:,} bytes",
                remedy="send a whole file as one value: --whole",
            )
        if lines:
            yield lines
    if tail:
        yield [tail]


async def everything(fd: int) -> bytes:
    """All that comes until the end."""
    found = []
    while data := await _some(fd):
        found.append(data)
    return b"".join(found)


async def _some(fd: int) -> bytes:
    """What is there, waiting for the first byte on the event loop; nothing at the end."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # a file on disk is always ready, and epoll does not take it
        return os.read(fd, READ_BYTES)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
    return os.read(fd, READ_BYTES)
