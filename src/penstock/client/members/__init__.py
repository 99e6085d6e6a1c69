"""Membership of consumer groups: joining, staying, leaving, and how partitions are shared out."""
