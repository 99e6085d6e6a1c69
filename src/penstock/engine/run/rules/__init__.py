"""Rules that turn a plan into one that runs faster, or at all, and means the same."""
