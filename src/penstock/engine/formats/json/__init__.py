"""JSON in and out: a walk for most records, a careful reader for the others, and a writer."""
