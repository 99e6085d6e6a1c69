"""Writing and reading records: appends, producers' sequences, fetches that wait, offsets by time."""
