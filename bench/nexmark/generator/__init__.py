"""Nexmark's events, seeded and vectorised: people, auctions and bids as polars frames."""

from bench.nexmark.generator.events import BLOCK, Events, Settings, blocks

__all__ = ["BLOCK", "Events", "Settings", "blocks"]
