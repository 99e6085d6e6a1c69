"""What is told of a running graph: whose time it took, what its state weighs."""
