"""Kafka: membership, batches, transactions, dead letters, replay, history."""
