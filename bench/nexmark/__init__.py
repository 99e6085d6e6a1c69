"""Nexmark: an auction house's events and the 23 queries over them, for penstock and for Flink.

Sources: Tucker et al., "NEXMark: A Benchmark for Queries over Data Streams" (q0 to q8), Apache Beam's Nexmark suite
(q9 to q12 and the generator's ratios), github.com/nexmark/nexmark (q13 to q22, Flink SQL). Written anew from these.
"""
