"""What the monitor answers over HTTP: health, readiness and metrics."""
