"""What the monitor knows, in one DuckDB file: predictions that wait, labels, offsets, ticks, coverage, the outbox."""
