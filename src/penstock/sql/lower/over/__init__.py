"""OVER: windows that a query names (`named`), what stands before them (`calls`), numbers that a WHERE bounds (`ranking`)."""
