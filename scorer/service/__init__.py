"""A process tree that scores: the loop, the worker around it, the parent above the workers."""
