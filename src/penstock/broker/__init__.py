"""Answers calls: topics, records, producers, groups. Floor 3: knows the log; no protocol, socket or clock."""
