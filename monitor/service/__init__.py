"""The monitor at work: the loop, and what follows from what was read and from ticks."""
