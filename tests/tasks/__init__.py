"""Tests of tasks: functions that are called through a queue."""
