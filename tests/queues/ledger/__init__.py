"""Tests of the queues' ledger."""
