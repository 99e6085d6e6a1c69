"""The names of what a script may SET and the engine or the worker goes by. Knows names; what they do is their readers'.

Those under ``penstock.`` are ours alone; the others are Flink's and do what Flink's do.
"""

TTL = "table.exec.state.ttl"
"""After how long joins, groups, top-N and the last rows of tables forget what nobody wrote."""
IDLE = "table.exec.source.idle-timeout"
"""After how long a silent partition holds no watermark back; a table's own ``scan.watermark.idle-timeout`` goes before."""
LATENESS = "table.exec.emit.allow-lateness"
"""How long a window's rows are kept after it has fired."""
LATE_FIRE = "table.exec.emit.late-fire.enabled"
"""Whether a window fires again for a row that comes within the lateness. In Flink, only one of GROUP BY TUMBLE or HOP."""
LATE_DELAY = "table.exec.emit.late-fire.delay"
"""How soon: at once."""
LATE_TOPIC = "penstock.late-rows.topic"
"""Where rows go that came too late for every window, as JSON, with who dropped them and the watermark as headers."""
