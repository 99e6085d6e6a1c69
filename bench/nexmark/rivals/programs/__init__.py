"""The queries in other engines' own words; each runs in the environment of `bench.nexmark.rivals.others`, not in penstock's."""
