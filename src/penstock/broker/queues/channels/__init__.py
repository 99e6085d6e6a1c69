"""Who is there: clients, their channels, and the consumers on these, with what each holds unsettled."""
