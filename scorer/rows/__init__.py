"""Files of rows, read, scored and written piece by piece: CSV, JSON lines, Avro and Parquet."""
