"""Who may use penstock, and for what: users, roles, rules, passwords. One model for every protocol.

Pure: knows no protocol, no socket and no clock; randomness is passed in. Only `file` touches the disk.
"""
