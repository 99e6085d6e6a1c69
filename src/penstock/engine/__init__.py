"""Stream processing on columns: one plan, its operators, their state. Knows no sockets, no clock, no broker."""
