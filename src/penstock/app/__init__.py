"""Puts the parts together: the broker process, the project on disk, the supervisor."""
