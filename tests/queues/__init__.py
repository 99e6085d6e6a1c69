"""Tests of the queues: the ledger, and what answers the calls."""
