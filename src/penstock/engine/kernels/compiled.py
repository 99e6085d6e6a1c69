"""How a loop is compiled: explicit signatures, cached on disk, no lock held, and never at a query's cost.

A worker calls `interpret_until_warm()` and then runs `warm()` on a thread of its own: kernels that are not ready
run as the plain Python they are. The cache lies beside the package, in the user's cache directory where that is
not writable, or where NUMBA_CACHE_DIR says. Knows nothing of what the kernels compute.
"""

import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

KERNELS: list["Kernel"] = []
_mode = {"interpret": False}

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_CONST = re.compile(r"const (\w+)\[::1\]")


class Kernel:
    """One loop. Calling it runs the compiled form; `python` is the same loop uncompiled."""

    def __init__(self, python: Callable[..., Any], signature: str) -> None:
        self.python = python
        self.signature = _CONST.sub(r"Array(\1, 1, 'C', True)", signature)
        self.name = python.__name__
        self._run: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
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
        if self._run is not None:
            return
        try:
            self._run = numba.njit(self.signature, cache=True, **OPTIONS)(self.python)
        except RuntimeError as error:  # numba's "cannot cache function": no writable place at all
            if "cache" not in str(error):
                raise
            self._run = numba.njit(self.signature, **OPTIONS)(self.python)

    def checked(self) -> Callable[..., Any]:
        """The compiled form with every index checked: for tests."""
        checked: Callable[..., Any] = numba.njit(self.signature, boundscheck=True, **OPTIONS)(self.python)
        return checked

    @property
    def ready(self) -> bool:
        """Whether a call runs compiled without compiling first."""
        return self._run is not None


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a kernel of a function, with numba's spelling of its types; ``const int64[::1]`` is only read."""

    def make(python: Callable[..., Any]) -> Kernel:
        made = Kernel(python, signature)
        KERNELS.append(made)
        return made

    return make


def interpret_until_warm() -> None:
    """From now on kernels that are not compiled run as Python, until `warm` has come to them."""
    _mode["interpret"] = True


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
