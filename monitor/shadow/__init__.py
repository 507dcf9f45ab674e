"""Challengers, scored in the shadow: on the events themselves, without touching predictions or offsets."""
