"""Steps that need rows in order."""
