"""The pipe that ties a child process to its supervisor, and the signals that stop it.

A child's standard input is a pipe whose other end only the supervisor holds: when the supervisor ends, however it
ends, the pipe closes and the child stops by itself. No orphan, no process id to remember.
"""

import asyncio
import os
import signal
import sys
import threading


def until_told() -> asyncio.Event:
    """An event that is set on SIGTERM, on SIGINT, or when the supervisor's pipe closes.

    Call it inside a running loop. A terminal or /dev/null on standard input is no lifeline and is left alone.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if _is_pipe():
        # A thread, not the loop: pipes on standard input cannot be polled on every platform.
        threading.Thread(target=_wait_for_the_end, args=(loop, stop), daemon=True).start()
    return stop


def _is_pipe() -> bool:
    import stat

    try:
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return False


def _wait_for_the_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)
