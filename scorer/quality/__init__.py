"""How good a model is: metrics of scores and labels, written requirements, and what these say of a table."""
