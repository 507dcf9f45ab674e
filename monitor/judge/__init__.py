"""What outcomes say of requirements: verdicts, fast alarms, estimates, worst cases. Pure: ticks bring the time."""
