"""What the nodes of a plan become: one file each, all of the shape in `operator`."""
