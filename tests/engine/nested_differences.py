"""Where values of nested kinds differ from Flink's on purpose or for now, by reason. This list only shrinks."""

_BY_REASON: dict[str, tuple[str, ...]] = {
    "a map's pairs are in the order they came in, in Java in that of their hashes": (
        "CAST(m AS STRING)", "MAP_KEYS(m)", "MAP_VALUES(m)", "MAP_ENTRIES(m)", "MAP_ENTRIES(m)[1].key",
    ),
    "Flink 2.3 takes a BIGINT for no place in an array, IF for no function of arrays, and an element of a wider kind for none": (
        "a[CAST(1 AS BIGINT)]", "IF(i = 2, s, ARRAY['else'])", "ARRAY_CONTAINS(a, CAST(2 AS BIGINT))",
    ),
    "Flink 2.3 holds equal arrays within an array apart": ("ARRAY_DISTINCT(aa)",),
    "Flink 2.3 says that rows of nulls are different, and not that they are equal; r = r is r IS NOT NULL to its planner": (
        "ROW(i, x) <> ROW(2, 'z')", "r = r",
    ),
}  # fmt: skip
DIFFERENCES = {one: reason for reason, ones in _BY_REASON.items() for one in ones}
