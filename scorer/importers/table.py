"""Coefficient tables: linear, logistic and log-linear models out of any program that prints its estimates.

A table is CSV: a column of terms, which comes first, and one of estimates; for several classes a column of estimates
per class. How terms are read is said in :mod:`scorer.importers.terms`. What a table does not say must be said besides:
the family, the classes, the reference level of a category; nothing is guessed.

There is no library to be held against, so the version is held against a calculation of its own in plain pandas, term
by term from the table, and, where the rows hold the predictions of the program that fitted it, against these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from scorer.batch import Floats
from scorer.errors import NotImportable, SchemaError, SettingsError
from scorer.importers import terms
from scorer.importers.estimates import Treatment, by_score, read
from scorer.importers.parts import Columns, Draft, Estimate
from scorer.importers.terms import Factor, Known, Term
from scorer.model import build, build_scores, build_steps
from scorer.model.build import Part
from scorer.model.outputs import Outputs

LINKS = {"gaussian": "identity", "binomial": "logit", "multinomial": "logit", "poisson": "log", "gamma": None}
"""The families, and the link that each has if nothing else is said."""


class Refused(ValueError):
    """Raised for rows that the program would not predict: a value is missing, or a level is unknown."""


def source(path: Path) -> TableSource:
    """Called for a file of which nothing more is said. Raises ``SettingsError``."""
    raise SettingsError(f"{path}: a table does not say how it is meant; scorer models import-table asks for that")


class TableSource:
    """A table as a source of an import: a plan for the version, and the same scores from plain pandas."""

    methods: Sequence[str]
    sentinels: Mapping[str, float] = {}
    refusals: tuple[type[Exception], ...] = (Refused,)

    def __init__(self, path: Path, treatment: Treatment, rows: pd.DataFrame) -> None:
        """Read the table as the columns of ``rows`` explain it.

        Raises ``NotImportable``, and ``SettingsError`` where something must be said besides.
        """
        self.library = treatment.program
        self.treatment = treatment
        self.link = _link(treatment)
        self.methods = ("predict_proba",) if self.link == "logit" else ("predict",)
        table = read(path, treatment)
        known = Known.of(rows)
        self.terms: tuple[Term, ...] = tuple(terms.read(text, known) for text in table.terms)
        if len(set(self.terms)) != len(self.terms):
            raise NotImportable(path.name, "two of its terms mean the same", "add their estimates up")
        self.values = by_score(table, treatment)
        self.references = dict(treatment.references)
        for stated in filter(None, map(terms.reference, table.terms)):
            self.references.setdefault(*stated)
        for column in self.categories:
            self._check_levels(column)
        taken = terms.columns(self.terms)
        for said in (*treatment.references, *treatment.complete, *treatment.fills):
            if said not in taken:
                raise SettingsError(f"{said!r} is no column of the terms; they take {', '.join(taken)}")
        for name, fill in treatment.fills.items():
            if name not in self.categories:
                _number_of(name, fill)
            elif fill not in self._levels(name):
                raise SettingsError(
                    f"--fill {name}={fill}: there is no such level, only {', '.join(self._levels(name))}"
                )

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The columns that are taken for categories."""
        return tuple(name for name in terms.columns(self.terms) if terms.levels(self.terms, name))

    def _check_levels(self, column: str) -> None:
        levels, reference = terms.levels(self.terms, column), self.references.get(column)
        if (reference is None) == (column not in self.treatment.complete):
            raise SettingsError(
                f"does a level of {column!r} have no term, as the reference in R and statsmodels? Say --reference "
                f"{column}=LEVEL, or --complete {column} where every level has a term: {', '.join(levels[:10])}"
            )
        if reference in levels:
            raise SettingsError(f"{reference!r} cannot be the reference of {column!r}, for it has a term")

    def _levels(self, column: str) -> tuple[str, ...]:
        """All levels that are known, the reference first."""
        reference = [self.references[column]] if column in self.references else []
        return (*reference, *terms.levels(self.terms, column))

    def names(self, rows: pd.DataFrame) -> Columns:  # noqa: ARG002 - the rows were read with the terms
        """The columns that the terms take."""
        found = terms.columns(self.terms)
        if not found:
            raise NotImportable("the table", "it has no term but the constant", "a constant needs no model")
        return found

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG002 - there is but one
        """Draft the version: fills, a column of 0 and 1 per level, products, the weighted sum."""
        made = self._filled(columns, draft)
        places: dict[tuple[str, tuple[str, ...]], str] = {
            (name, ()): column for name, column in made.items() if name not in self.categories
        }
        for name in self.categories:
            levels = terms.levels(self.terms, name)
            shown = draft.fresh_all(f"{name} is {level}" for level in levels)
            self._encode(draft, name, made[name], shown)
            places |= {(name, (level,)): column for level, column in zip(levels, shown, strict=True)}
        taken, weights = self._weights(places, draft)
        constant = self.values[:, [place for place, term in enumerate(self.terms) if not term]].sum(axis=1)
        return Estimate(self._kernel(taken, weights, constant), self._outputs())

    def _filled(self, columns: Columns, draft: Draft) -> dict[str, str]:
        made = dict(zip(columns, columns, strict=True))
        for name, fill in self.treatment.fills.items():
            [filled] = draft.fresh_all([f"{name}, filled"])
            if name in self.categories:
                part = build.impute_categories([name], [filled], [fill])
            else:
                part = build.impute([name], [filled], [_number_of(name, fill)])
            [made[name]] = draft.add(part, category=name in self.categories)
        return made

    def _encode(self, draft: Draft, name: str, taken: str, shown: Columns) -> None:
        """A column of 0 and 1 per level that has a term; a level that is not known is refused, or is all 0."""
        levels = self._levels(name)
        if self.treatment.unseen == "zero":
            draft.add(build.one_hot(taken, levels, drop=self.references.get(name), made=shown))
            return
        code = draft.add(build_steps.encode(taken, draft.fresh_all([f"{name}, level"]), levels, [range(len(levels))]))
        codes = range(len(levels) - len(shown), len(levels))
        draft.add(build_steps.indicators(code[0], shown, codes))

    def _weights(self, places: Mapping[tuple[str, tuple[str, ...]], str], draft: Draft) -> tuple[list[str], Floats]:
        """The columns that are summed up and their weights ``(scores, columns)``; products get a column first."""
        taken: dict[str, Floats] = {}
        for term, weight in zip(self.terms, self.values.T, strict=True):
            for factors in _expanded(term):
                if not factors:
                    continue
                columns = [places[factor.column, factor.levels] for factor in factors]
                powers = [factor.power for factor in factors]
                column = columns[0]
                if len(columns) > 1 or powers != [1]:
                    made = draft.fresh_all([" * ".join(columns)])
                    [column] = draft.add(build_steps.polynomial(columns, made, [powers]))
                taken[column] = taken.get(column, np.zeros(len(weight))) + weight
        return list(taken), np.array(list(taken.values())).T

    def _kernel(self, taken: Sequence[str], weights: Floats, constant: Floats) -> Part:
        if self.link == "identity":
            return build.linear(taken, weights, constant)
        if self.link == "log":
            return build_scores.loglinear(taken, weights, constant)
        return build.logistic(taken, weights, constant)

    def _outputs(self) -> Outputs:
        if self.link != "logit":
            return Outputs("regression")
        return Outputs("binary" if len(self.treatment.classes) == 2 else "multiclass", self.treatment.classes)

    def answer(self, rows: pd.DataFrame, method: str) -> Floats:  # noqa: ARG002 - there is but one
        """The scores in plain pandas, term by term. Raises :class:`Refused`."""
        columns = {name: self._raw(rows, name) for name in terms.columns(self.terms)}
        margins = np.zeros((len(self.values), len(rows)))
        with np.errstate(all="ignore"):
            for term, weights in zip(self.terms, self.values.T, strict=True):
                value = pd.Series(1.0, rows.index)
                for factor in term:
                    column = columns[factor.column]
                    value = value * (column.isin(factor.levels) if factor.levels else column**factor.power)
                margins += weights[:, None] * value.to_numpy(np.float64)
            if self.link == "identity":
                return margins
            if self.link == "log":
                return np.asarray(np.exp(margins))
            if len(margins) == 1:
                return np.asarray(1 / (1 + np.exp(-margins)))
            powers = np.exp(margins - margins.max(axis=0))
            return np.asarray(powers / powers.sum(axis=0))

    def _raw(self, rows: pd.DataFrame, name: str) -> pd.Series:
        """A column without gaps. Raises :class:`Refused`."""
        column: pd.Series = rows[name]
        if name in self.categories:
            column = column.astype(object)
            column = column.where(column.notna(), self.treatment.fills.get(name))
            unknown = set(column.dropna()) - set(self._levels(name))
            if unknown and self.treatment.unseen == "refuse":
                raise Refused(f"{name!r} has levels without a term: {', '.join(sorted(unknown)[:10])}")
        else:
            column = column.astype(np.float64)
            if name in self.treatment.fills:
                column = column.fillna(_number_of(name, self.treatment.fills[name]))
        if column.isna().any():
            raise Refused(f"{name!r} has no value in some rows; --fill {name}=VALUE says what counts instead")
        return column

    def away(self, rows: pd.DataFrame, column: str) -> float:
        """How far the program's own predictions in ``column`` are from the table's, at most, relatively above 1.

        Of several classes the column holds the probability of the last. Raises ``SchemaError`` where there is no such
        column, or not one number a row.
        """
        if column not in rows.columns:
            raise SchemaError(f"the rows have no column {column!r} of predictions")
        expected = pd.to_numeric(rows[column], errors="coerce").to_numpy(np.float64)
        if np.isnan(expected).any():
            raise SchemaError(f"column {column!r} must hold the program's own prediction of each row")
        got = self.answer(rows, self.methods[0])[-1]
        return float((np.abs(got - expected) / np.maximum(1, np.abs(expected))).max())


def _link(treatment: Treatment) -> str:
    if treatment.family not in LINKS:
        raise SettingsError(f"family {treatment.family!r} is none of {', '.join(LINKS)}")
    link = treatment.link or LINKS[treatment.family]
    if link is None:
        raise SettingsError("the link of a gamma model is inverse unless it was set: say --link log if it was")
    classes = len(treatment.classes)
    if treatment.family in ("binomial", "multinomial"):
        if link != "logit":
            raise NotImportable(f"link {link!r}", "only the logistic link is represented", "fit with the link logit")
        if (classes == 2) != (treatment.family == "binomial") or classes < 2:
            wanted = "two classes, of which the estimates speak for the second" if classes < 3 else "binomial has two"
            raise SettingsError(f"{treatment.family} with {classes} classes: say --classes with {wanted}")
    elif link not in ("identity", "log"):
        raise NotImportable(f"link {link!r}", "it is not represented", "fit with the link identity or log")
    elif classes:
        raise SettingsError(f"a {treatment.family} model has no classes")
    return link


def _expanded(term: Term) -> list[Term]:
    """A term with one level per factor: one of several levels is a sum of terms."""
    found: list[Term] = [()]
    for factor in term:
        single = [Factor(factor.column, (level,)) for level in factor.levels] or [factor]
        found = [(*before, one) for before in found for one in single]
    return found


def _number_of(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SettingsError(f"--fill {name}={text}: {name!r} holds numbers, so this must be one")
    return number
