"""Matured outcomes as parquet files, one an event day, and with the events' fields as a table to train on."""
