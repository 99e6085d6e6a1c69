"""GROUP BY: aggregates and the groups they are of (`grouping`), and groups of several kinds at once (`sets`)."""
