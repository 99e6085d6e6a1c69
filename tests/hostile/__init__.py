"""Attacks over real sockets on real processes, each with a well-behaved client beside the attacker."""
