"""Where queues meet topics: streams, which are a topic each; exchanges that append to one; queues fed by one."""
