"""Where a bid came from: half come by one of four hot channels, the others by one of ten thousand.

Nine of ten of the others carry a channel's id in their URL. Source: nexmark-flink's BidGenerator.
"""

import functools

import numpy as np
import polars as pl

from bench.nexmark.generator import texts

HOT = ["Google", "Facebook", "Baidu", "Apple"]
COLD = 10_000


@functools.cache
def _known(seed: int) -> tuple[pl.Series, pl.Series]:
    """Names and URLs: the hot ones first."""
    random, count = np.random.default_rng([seed, COLD]), len(HOT) + COLD
    folders = pl.DataFrame(
        {name: texts.words(random, count, 5, "_", seed) for name in ("one", "two", "three")}
    )
    tagged = np.r_[[False] * len(HOT), random.integers(0, 10, COLD) > 0]
    turned = [
        int(f"{n:032b}"[::-1], 2) for n in range(COLD)
    ]  # the number's 32 bits turned round, without the sign
    ids = [min(n, 2**32 - n) for n in turned]
    frame = folders.with_columns(
        tag=pl.Series([f"&channel_id={i}" for i in [0] * len(HOT) + ids]), tagged=pl.Series(tagged)
    )
    urls = frame.select(
        pl.concat_str(
            pl.lit("https://www.nexmark.com/"),
            pl.concat_str("one", "two", "three", pl.lit("item.htm?query=1"), separator="/"),
            pl.when("tagged").then("tag").otherwise(pl.lit("")),
        )
    ).to_series()
    return pl.Series([*HOT, *(f"channel-{n}" for n in range(COLD))]), urls


def channels(random: texts.Random, count: int, seed: int) -> tuple[pl.Series, pl.Series]:
    """Channel and URL of each bid."""
    names, urls = _known(seed)
    hot = random.integers(0, len(HOT), count)
    cold = len(HOT) + random.integers(0, COLD, count)
    chosen = np.where(random.integers(0, 2, count) > 0, hot, cold).astype(np.uint32)
    return names.gather(chosen), urls.gather(chosen)
