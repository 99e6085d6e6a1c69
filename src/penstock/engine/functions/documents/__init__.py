"""JSON in texts: asked for parts, made of values, tested."""
