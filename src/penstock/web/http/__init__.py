"""What every request of the HTTP API goes through: guard, inputs, answers, events. Knows no resource."""
