"""From bound names to plan nodes: what each clause means, and what of it is refused."""
