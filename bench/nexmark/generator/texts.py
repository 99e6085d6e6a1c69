"""Random texts, as many at once as wanted: each is cut from a pool that is made once a seed.

Knows nothing of what the texts are for.
"""

import functools

import numpy as np
import polars as pl
from numpy.typing import NDArray

POOL = 1 << 15
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)
Random = np.random.Generator


@functools.cache
def _pool(seed: int, length: int, special: str) -> pl.Series:
    """Texts of `length` letters; a thirteenth of the letters is the special one, where there is one."""
    random = np.random.default_rng([seed, length, *special.encode()])
    signs = LETTERS[random.integers(0, 26, (POOL, length))]
    if special:
        signs[random.integers(0, 13, signs.shape) == 0] = ord(special)
    return pl.Series(signs.view(f"S{length}").ravel().astype(f"U{length}"))


def words(random: Random, count: int, longest: int, special: str = " ", seed: int = 0) -> pl.Series:
    """Texts of 3 to `longest` - 1 letters, cut short by what is blank at their ends."""
    sizes = random.integers(3, longest, count)
    return _cut(_pool(seed, longest, special), random, sizes).str.strip_chars()


def filling(random: Random, sizes: NDArray[np.int64], wanted: int, seed: int = 0) -> pl.Series:
    """Letters that bring a record of `sizes` bytes to `wanted` on average, a fifth up or down; none where it is longer."""
    room = np.maximum(wanted - sizes, 0)
    spread = np.rint(room * 0.2).astype(np.int64)
    lengths = room - spread + (random.random(len(sizes)) * 2 * spread).astype(np.int64)
    return _cut(_pool(seed, int(wanted * 1.2) + 1, ""), random, lengths)


def _cut(pool: pl.Series, random: Random, sizes: NDArray[np.int64]) -> pl.Series:
    chosen = pool.gather(random.integers(0, POOL, len(sizes)).astype(np.uint32))
    return pl.select(pl.lit(chosen).str.head(pl.lit(pl.Series(sizes)))).to_series()


def picks(random: Random, count: int, options: list[str]) -> pl.Series:
    """Any of the options, each as likely."""
    return pl.Series(options).gather(random.integers(0, len(options), count).astype(np.uint32))
