"""Consumer groups: the classic protocol as a state machine, and what its answering functions do with it."""
