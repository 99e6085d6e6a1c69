"""How bytes become safe on disk: rounds of group commit, and the journal that many partitions share."""
