"""What is read from Kafka, as rows and counts for the state."""
