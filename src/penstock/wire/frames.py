"""Cuts a byte stream into length-prefixed frames (a signed 32-bit size, then that many bytes).

A frame that lies whole in one received buffer is a view of it; one that spans buffers is joined once. Nothing is
allocated for a size that was only announced, and what came in crumbs is held in its own size. Knows nothing of what
frames hold, or of sockets.
"""

from collections.abc import Iterator

from penstock.calls import Bytes

PREFIX_BYTES = 4
CRUMB_BYTES = 4096
"""Pieces under this that continue a frame are copied together: each held by itself costs some 200 bytes more."""


class FrameError(ValueError):
    """The announced size is negative or over the limit: the stream cannot be followed any further."""


class Frames:
    """The frames of one stream. `held_bytes` is what waits for the rest of its frame."""

    def __init__(self, frame_bytes_max: int) -> None:
        self.frame_bytes_max = frame_bytes_max
        self.held_bytes = 0
        self._held: list[memoryview] = []
        self._crumbs = bytearray()
        self._size = -1

    def feed(self, data: Bytes) -> Iterator[memoryview]:
        """Take bytes and give every frame that is whole now, without its prefix; raises `FrameError`."""
        view = memoryview(data)
        if self.held_bytes and view.nbytes < CRUMB_BYTES:
            self._crumbs += view
        elif view.nbytes:
            self._gather()
            self._held.append(view)
        self.held_bytes += view.nbytes
        while self._known_size() and self.held_bytes >= self._size:
            size, self._size = self._size, -1
            yield self._take(size)

    def _known_size(self) -> bool:
        if self._size < 0 and self.held_bytes >= PREFIX_BYTES:
            size = int.from_bytes(self._take(PREFIX_BYTES), "big", signed=True)
            if not 0 <= size <= self.frame_bytes_max:
                raise FrameError(
                    f"a frame of {size} bytes was announced; the limit is {self.frame_bytes_max}"
                )
            self._size = size
        return self._size >= 0

    def _gather(self) -> None:
        if self._crumbs:
            self._held.append(memoryview(self._crumbs))
            self._crumbs = bytearray()

    def _take(self, count: int) -> memoryview:
        self._gather()
        self.held_bytes -= count
        first = self._held[0] if self._held else memoryview(b"")
        if len(first) > count:
            self._held[0] = first[count:]
            return first[:count]
        if len(first) == count:
            del self._held[:1]
            return first
        return self._join(count)

    def _join(self, count: int) -> memoryview:
        parts: list[memoryview] = []
        used = 0
        while used < count:
            part = self._held[len(parts)]
            used += len(part)
            parts.append(part)
        over = used - count
        rest = parts[-1][len(parts[-1]) - over :]
        parts[-1] = parts[-1][: len(parts[-1]) - over]
        self._held[: len(parts)] = [rest] if over else []
        # A bytearray, so that whoever gets a produce request's batches may stamp them in place.
        return memoryview(bytearray().join(parts))
