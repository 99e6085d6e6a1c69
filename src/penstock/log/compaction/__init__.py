"""Compaction: of each key the newest record stays. Works beside appends, on sealed segments, in slices.

`choose` says what is worth it, `Cleaning` writes new segments on the disk thread, `swap` puts them in place so that a
crash at any step leaves the old ones or the new one. Knows nothing of clients.
"""
