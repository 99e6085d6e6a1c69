"""What the web process follows: topics' offsets, workers' reports, the broker's measures, table topics, groups."""
