"""Files of record batches with their indexes: where batches stand in one file."""
