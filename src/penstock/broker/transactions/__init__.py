"""Transactions: the coordinator's state, the markers that decide, and what readers of committed records may see."""
