"""The real servers that penstock is compared with, put together and started on free loopback ports."""
