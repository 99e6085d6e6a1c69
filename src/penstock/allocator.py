"""Freed memory is kept for the next request instead of going back to the system after each.

With glibc's defaults every buffer of a megabyte is mapped, touched page by page, and unmapped again: measured, this was
the largest part of what a produced megabyte cost (docs/performance.md). Knows the C library; knows no buffer.
"""

import ctypes

MAPPED_BYTES_MIN = 8 * 1024 * 1024
"""Larger pieces are mapped by themselves, and go back at once."""
KEPT_BYTES_MAX = 32 * 1024 * 1024
"""Free memory above this goes back to the system."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def keep_freed_memory() -> bool:
    """Tell the allocator, where it is glibc's; whether it is."""
    try:
        c = ctypes.CDLL(None)
        if not hasattr(c, "gnu_get_libc_version"):  # musl has a mallopt that does nothing, macOS has none
            return False
        told = c.mallopt(_MMAP_THRESHOLD, MAPPED_BYTES_MIN), c.mallopt(_TRIM_THRESHOLD, KEPT_BYTES_MAX)
    except OSError:
        return False
    return all(told)
