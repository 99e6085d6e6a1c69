"""What is built on Kafka, run on penstock: Streams, Connect, MirrorMaker."""
