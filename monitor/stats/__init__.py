"""What is known of a model's work, from sums, counts and sequences: metrics, their bounds, alarms, drift."""
