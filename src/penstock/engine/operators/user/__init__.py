"""Users' own Python at work: calls, table functions, batches, and classes with state and timers."""
