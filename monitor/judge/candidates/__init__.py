"""The life of a candidate, from its submission to its promotion or its end: a table of states, and who may do what."""
