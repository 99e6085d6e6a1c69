"""The broker: every call answered, on a log in memory and on the simulated disk."""
