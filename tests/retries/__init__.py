"""Consumers that retry: the words, the order of keys, the group, and the whole against real servers."""
