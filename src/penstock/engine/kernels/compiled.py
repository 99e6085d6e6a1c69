"""How a loop is compiled: explicit signatures, cached on disk, no lock held, and never at a query's cost.

A worker calls `interpret_until_warm()` and then runs `warm()` on a thread of its own: kernels that are not in the
cache run as the plain Python they are until then. The cache lies beside the package, in the user's cache directory
where that is not writable, or where NUMBA_CACHE_DIR says. Knows nothing of what the kernels compute.
"""

import ctypes
import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np

KERNELS: list["Kernel"] = []
_mode = {"interpret": False}

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Counting the arrays that are handed from function to function costs twenty times the work: a kernel of several
# functions does without, and then makes no arrays and copies no slices.
UNCOUNTED: dict[str, Any] = {**OPTIONS, "_nrt": False}
_CONST = re.compile(r"const (\w+)\[(:, )?::1\]")


class Kernel:
    """One loop. Calling it runs the compiled form; `python` is the same loop uncompiled."""

    def __init__(
        self, python: Callable[..., Any], signature: str, options: Mapping[str, Any] | None = None
    ) -> None:
        self.python, self.options = python, options or OPTIONS
        self.signature = _CONST.sub(lambda m: f"Array({m[1]}, {2 if m[2] else 1}, 'C', True)", signature)
        self.name = python.__name__
        self._run: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Run it, compiled if it can be."""
        if self._run is None:
            if _mode["interpret"]:
                # Hashes wrap around on purpose, in Python as in machine code.
                with np.errstate(all="ignore"):
                    return self.python(*arguments)
            self.compile()
        assert self._run is not None
        return self._run(*arguments)

    def compile(self) -> None:
        """Make the compiled form ready: from the cache in milliseconds, else in a second or so."""
        if self._run is None:
            made = self._dispatcher()
            made.compile(self.signature)
            made.disable_compile()
            self._run = made

    def load(self) -> None:
        """Make the compiled form ready if the cache has it."""
        if self._run is None and _is_cached(self._dispatcher(), self.signature):
            self.compile()

    def _dispatcher(self) -> Any:
        try:
            made = numba.njit(cache=True, **self.options)(self.python)
        except RuntimeError as error:  # numba's "cannot cache function": no writable place at all
            if "cache" not in str(error):
                raise
            return numba.njit(**self.options)(self.python)
        _stamp(made)
        return made

    def checked(self) -> Callable[..., Any]:
        """The compiled form with every index checked: for tests."""
        checked: Callable[..., Any] = numba.njit(self.signature, boundscheck=True, **self.options)(
            self.python
        )
        return checked

    @property
    def ready(self) -> bool:
        """Whether a call runs compiled without compiling first."""
        return self._run is not None


class Callback(Kernel):
    """A function that others call by its address, with no lock of Python's held."""

    def load(self) -> None:
        """Compile it: it is asked for its address before it can be interpreted, and takes no time to speak of."""
        self.compile()

    def compile(self) -> None:
        """As `Kernel.compile`."""
        if self._run is None:
            try:
                made = numba.cfunc(self.signature, cache=True, error_model="numpy")(self.python)
            except RuntimeError as error:
                if "cache" not in str(error):
                    raise
                made = numba.cfunc(self.signature, error_model="numpy")(self.python)
            # What holds the address may be let go when the interpreter has ended: the code stays to the last.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))
            self._run = made

    @property
    def address(self) -> int:
        """Where it lies."""
        self.compile()
        return int(getattr(self._run, "address"))  # noqa: B009


def callback(signature: str) -> Callable[..., Any]:
    """Make a `Callback` of a function."""

    def make(python: Callable[..., Any]) -> Callback:
        made = Callback(python, signature)
        KERNELS.append(made)
        return made

    return make


def _stamp(dispatcher: Any) -> None:
    """Let what is cached count as old when any of the kernels' files has changed: numba looks at a function's own only.

    Without numba's inner names (another version of it) its own rule stays.
    """
    file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = _sources()


def _is_cached(dispatcher: Any, signature: str) -> bool:
    """Whether the compiled form lies in the cache; no, where numba's inner names are others."""
    cache: Any = getattr(dispatcher, "_cache", None)
    file: Any = getattr(cache, "_cache_file", None)
    codegen: Any = getattr(dispatcher, "targetctx", None)
    if not (hasattr(file, "_load_index") and hasattr(cache, "_index_key") and codegen is not None):
        return False
    try:
        key = cache._index_key(signature, codegen.codegen())
        return key in file._load_index()
    except Exception:  # whatever is wrong with a cache, compiling anew puts it right
        return False


@functools.cache
def _sources() -> tuple[tuple[str, int, int], ...]:
    found = sorted(Path(__file__).parent.rglob("*.py"))
    return tuple((path.name, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in found)


def kernel(signature: str, options: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Make a kernel of a function, with numba's spelling of its types; ``const int64[::1]`` is only read."""

    def make(python: Callable[..., Any]) -> Kernel:
        made = Kernel(python, signature, options)
        KERNELS.append(made)
        return made

    return make


def may_compile() -> bool:
    """Whether a kernel that is not ready may be compiled on the spot."""
    return not interpreting()


def interpret_until_warm() -> None:
    """From now on kernels that are neither compiled nor in the cache run as Python, until `warm` has come to them."""
    for one in KERNELS:
        one.load()
    _mode["interpret"] = not all(one.ready for one in KERNELS)


def interpreting() -> bool:
    """Whether kernels that are not ready run as Python."""
    return _mode["interpret"]


def warm(say: Callable[[str], None] = lambda sentence: None) -> int:
    """Compile all that is not ready, one after the other, and return how many; `say` is told before each.

    Safe on a thread of its own beside kernels that run.
    """
    cold = [one for one in KERNELS if not one.ready]
    for count, one in enumerate(cold, 1):
        say(f"preparing {one.name} ({count} of {len(cold)})")
        one.compile()
    _mode["interpret"] = False
    return len(cold)
