"""The scorer: events in, predictions or dead letters out, exactly once, with coefficients that are data."""
