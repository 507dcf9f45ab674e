"""A version as data: its manifest and tensors, and how it turns columns into scores. Pure: no clock, file or socket."""
