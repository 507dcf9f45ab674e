"""One batch: encoded events and the models in force in, encoded predictions and dead letters out."""
