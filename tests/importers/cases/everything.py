"""All that can be imported, in the order of the tables of docs/importing.md."""

from __future__ import annotations

from tests.importers.cases import boosters, ensembles, estimators, tables, transformers

CASES = (*estimators.CASES, *ensembles.CASES, *transformers.CASES, *boosters.CASES, *tables.CASES)
"""All cases; those of one group follow one another."""
