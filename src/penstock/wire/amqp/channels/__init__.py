"""The channels of one connection: what each has to do, in order, and how its client's frames come to be that."""
