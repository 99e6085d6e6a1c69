"""One partition with its retries, pure: what came, who may go in the order of keys, what is to be written."""
