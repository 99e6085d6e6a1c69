"""Functions that are called through a queue: sent as messages, tried again, given up as dead letters."""
