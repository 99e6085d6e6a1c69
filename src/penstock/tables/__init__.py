"""Live tables: a compacted topic's current rows, its recent changes, and queries. Knows no sockets and no clock."""
