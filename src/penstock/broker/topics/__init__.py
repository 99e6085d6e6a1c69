"""Topics as clients see them: created, described, configured, deleted; and the broker's own topics."""
