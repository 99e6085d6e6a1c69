"""The flow: the whole stack as one graph, and what is wrong in it. Pure: reads what is followed, asks nobody."""
