"""Dead letters as operators see them: counted, looked at, edited, sent back, purged, with a note of each."""
