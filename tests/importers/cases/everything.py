"""All that can be imported, in the order of the tables of docs/importing.md, and what cannot."""

from __future__ import annotations

from tests.importers.cases import booster_refusals, boosters, ensembles, estimators, refusals, tables, transformers

CASES = (*estimators.CASES, *ensembles.CASES, *transformers.CASES, *boosters.CASES, *tables.CASES)
"""All cases; those of one group follow one another."""

REFUSALS = (*refusals.REFUSALS, *booster_refusals.REFUSALS)
"""All refusals, likewise."""
