"""What goes on over many turns: moments that come, work that is slow, sums that grow."""
