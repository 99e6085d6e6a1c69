"""CREATE TABLE: columns, watermark, key and options, as the plan's `Table`."""
