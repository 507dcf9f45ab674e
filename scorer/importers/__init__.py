"""From a model in the library that trained it to a version: the only room that knows training libraries."""
