"""Arrays, maps and rows as values: how they are made, what is in them, and the functions over them."""
