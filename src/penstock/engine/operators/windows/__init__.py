"""Windows over event time: which rows are in which, and aggregates over each."""
