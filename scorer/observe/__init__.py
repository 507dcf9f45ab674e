"""What is seen of a running scorer: metrics, health, logs."""
