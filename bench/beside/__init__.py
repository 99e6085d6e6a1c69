"""What comparisons with a rival server share: processes weighed, figures kept run by run, tables, the command line."""
