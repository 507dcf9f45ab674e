"""Alarms on their way to people: mail, whatever Apprise knows, and a heartbeat. Each channel by itself."""
