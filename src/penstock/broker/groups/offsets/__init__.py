"""The offsets that groups commit: their format, their store in __consumer_offsets, the calls about them."""
