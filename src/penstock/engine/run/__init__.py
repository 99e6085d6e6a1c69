"""What a job runs on: keyed state, watermarks, the graph of operators, and snapshots."""
