"""How messages move: into queues, out to consumers, back, and away."""
