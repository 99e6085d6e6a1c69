"""Processes are killed at random moments; nothing acknowledged may be lost or doubled."""
