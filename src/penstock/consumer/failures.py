"""An exception as a dead letter tells it. Knows exceptions; knows nothing of records."""

import traceback
from functools import lru_cache
from types import CodeType

from penstock.dead_letters import Failing

Place = tuple[CodeType, int]


def failing_of(error: BaseException, function: str) -> Failing:
    """Its class, words and stack trace, at the stage where Kafka Connect hands records to a sink."""
    kind = type(error)
    home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return Failing(f"{home}{kind.__qualname__}", _words(error), trace_of(error), "TASK_PUT", function)


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "<exception str() failed>"  # as Python's own traces say it


def trace_of(error: BaseException) -> str:
    """The trace as Python prints it. Many failures are at one place: the way there is put into words once."""
    chained = error.__cause__ is not None or error.__context__ is not None
    if chained or getattr(error, "__notes__", None) or isinstance(error, BaseExceptionGroup):
        return "".join(traceback.format_exception(error))
    places = tuple((frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__))
    return _way(places) + "".join(traceback.format_exception_only(error))


@lru_cache(maxsize=256)
def _way(places: tuple[Place, ...]) -> str:
    if not places:
        return ""
    frames = [traceback.FrameSummary(code.co_filename, line, code.co_name) for code, line in places]
    return "Traceback (most recent call last):\n" + "".join(traceback.StackSummary.from_list(frames).format())
