"""One queue: what is ready in it, who consumes from it, what it was declared with."""
