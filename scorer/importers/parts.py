"""The shapes that all importers share: columns and parts while a version is drafted, estimates, and their library.

An importer of a **transformer** is a function ``(fitted, columns, draft) -> columns``: it is given what the library
fitted and the names of the columns that this takes, adds the steps that do the same to the draft, and returns the names
of the columns that they make, in the library's order.

An importer of an **estimator** is a function ``(fitted, columns, draft, method) -> Estimate``: it may add steps too,
and returns the kernel that scores the columns, which is not yet in the draft, with what its scores mean. ``method``
says which answer of the library is wanted, see :data:`METHODS`. Who composes estimators puts their kernels into the
pipeline with :meth:`Draft.place` and goes on with the columns that these make.

Both raise ``NotImportable`` for anything that the steps and kernels cannot represent exactly.

A module for another library (``scorer.importers.xgboost``, ``scorer.importers.lightgbm``) has two functions:
``source(model) -> Source`` for a model of the library or the path of a file of it, and ``estimate``, an importer as
above, for its estimators inside pipelines and ensembles of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

import pandas as pd

from scorer.batch import Floats, Int64s
from scorer.model import build_steps
from scorer.model.build import Part
from scorer.model.outputs import Outputs
from scorer.model.preparation.function import PARTIAL

METHODS = ("predict_proba", "decision_function", "predict")
"""The answers of a library: probabilities of classes; margins; an estimate, or the index of a class as a number."""

BOUNDED = ("average@1", "calibrate_sigmoid@1", "choose@1", "indicators@1", "is_missing@1", "one_hot@1", "shares@1")
"""Steps whose columns are neither infinite nor missing, whatever they take."""

COMPLETE = (*BOUNDED, "impute@1")
"""Steps whose columns are not missing."""

FINITE = (*BOUNDED, "bins@1", "date@1", "encode@1", "float32@1", "ordinal@1", "quantiles@1", "require@1")
"""Steps whose columns are finite, or missing."""

SAME = ("require@1", "float32@1")
"""Steps that give what they take, but for rounding and refusals."""

Fitted: TypeAlias = Any
"""What a library fitted: its classes are known to the importer alone."""

Columns: TypeAlias = tuple[str, ...]

Leaves: TypeAlias = Callable[[Floats], Int64s]
"""The library's own leaves: prepared columns float64 ``(rows, columns)`` to the leaf's number, int64 ``(trees, rows)``.

The trees are in the order of the kernel's. Any numbers do that differ where leaves of one tree differ.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """An estimator's kernel, which takes columns of the draft and makes none yet, and what its scores mean.

    The scores are one estimate; or of two classes the probability or margin of the second; or one probability or margin
    per class. ``leaves`` is how the library itself finds the leaves of the kernel's trees, where it has any.
    """

    kernel: Part
    outputs: Outputs
    leaves: Leaves | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A kernel of trees in a draft: ``kernel`` as it is placed, and the library's way to the same leaves."""

    kernel: Part
    leaves: Leaves


TransformerImporter: TypeAlias = "Callable[[Fitted, Columns, Draft], Columns]"
EstimatorImporter: TypeAlias = "Callable[[Fitted, Columns, Draft, str], Estimate]"


@dataclass(slots=True, eq=False)
class Draft:
    """A version while it is drafted: its steps so far, and which of its columns are categories.

    ``dtypes`` of columns begins with those of the raw inputs. ``transformer`` and ``estimator`` are
    the functions that pick an importer by class. ``atol`` and ``rtol`` say how near the scores must come to the
    library's.
    """

    dtypes: dict[str, str]
    transformer: TransformerImporter
    estimator: EstimatorImporter
    steps: list[Part] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    atol: float = 1e-12
    rtol: float = 1e-9
    _makers: dict[str, Part] = field(default_factory=dict)
    _derived: dict[tuple[str, str], str] = field(default_factory=dict)

    def transform(self, fitted: Fitted, columns: Columns) -> Columns:
        """Import a transformer that is nested in another object; returns the columns that it makes."""
        return self.transformer(fitted, columns, self)

    def estimate(self, fitted: Fitted, columns: Columns, method: str) -> Estimate:
        """Import an estimator that is nested in another object."""
        return self.estimator(fitted, columns, self, method)

    def loosen(self, atol: float, rtol: float) -> None:
        """Say that a part of the library calculates with less than float64."""
        self.atol, self.rtol = max(self.atol, atol), max(self.rtol, rtol)

    def is_category(self, name: str) -> bool:
        """Whether a column holds text; else it holds numbers."""
        return self.dtypes[name] == "category"

    def fresh(self, stem: str) -> str:
        """A name that no column bears yet: ``stem``, or ``stem 2``, ``stem 3`` …; cut where it is too long."""
        return self.fresh_all([stem])[0]

    def fresh_all(self, stems: Iterable[str]) -> Columns:
        """A fresh name for each stem, all different."""
        taken, found = set(self.dtypes), []
        for stem in stems:
            cut = stem.encode()[:180].decode(errors="ignore")
            name, number = cut, 1
            while name in taken:
                number += 1
                name = f"{cut} {number}"
            taken.add(name)
            found.append(name)
        return tuple(found)

    def add(self, part: Part, *, category: bool = False) -> Columns:
        """Append a step whose ``made`` are fresh names; returns them. ``category`` says that they hold text."""
        for name in part.made:
            if name in self.dtypes:
                raise ValueError(f"column {name!r} exists already; take a fresh name")
            self.dtypes[name] = "category" if category else "float64"
            self._makers[name] = part
        self.steps.append(part)
        return tuple(part.made)

    def finite(self, columns: Columns, *, missing_too: bool, dropped: Columns = ()) -> Columns:
        """``columns`` with a step that refuses rows in which one is infinite, or missing too; for those that may be.

        So a row that the library raises for is not scored. A raw input need not be refused where it is missing: it is
        not nullable. But those of ``dropped`` would else be no inputs, for nothing after this takes them.
        """
        doubtful = [
            name
            for name in columns
            if name in dropped or self._may_be_infinite(name) or (missing_too and self._may_lack_values(name))
        ]
        self._once(
            doubtful, ".whole" if missing_too else ".finite", partial(build_steps.require, missing_too=missing_too)
        )
        return tuple(self._derived.get((name, ".whole" if missing_too else ".finite"), name) for name in columns)

    def narrow(self, columns: Columns) -> Columns:
        """``columns`` rounded to float32, with a refusal of rows in which one is too large for it."""
        self._once(columns, ".float32", build_steps.float32)
        return tuple(self._derived[name, ".float32"] for name in columns)

    def _once(self, columns: Sequence[str], suffix: str, part: Callable[[Sequence[str], Columns], Part]) -> None:
        """Add a step that derives a column of each, unless another estimator has asked for it before."""
        new = [name for name in dict.fromkeys(columns) if (name, suffix) not in self._derived]
        if new:
            made = self.add(part(new, self.fresh_all(f"{name}{suffix}" for name in new)))
            self._derived |= {(name, suffix): one for name, one in zip(new, made, strict=True)}

    def raw(self, name: str) -> str:
        """The column that ``name`` is but for rounding and refusals: perhaps a raw input."""
        while name in self._makers and self._makers[name].name in SAME:
            step = self._makers[name]
            name = step.taken[list(step.made).index(name)]
        return name

    def _may_be_infinite(self, name: str) -> bool:
        step = self._makers.get(name)
        if step is None:
            return self.dtypes[name] == "float64"
        if step.name in FINITE or "scores" in step.params:
            return False
        return any(self._may_be_infinite(taken) for taken in step.taken)

    def _may_lack_values(self, name: str) -> bool:
        step = self._makers.get(name)
        if step is None or step.name in COMPLETE or "scores" in step.params:
            return False
        return _makes_gaps(step) or any(self._may_lack_values(taken) for taken in step.taken)

    def place(self, estimate: Estimate, stem: str) -> Columns:
        """Append an estimator's kernel as a step, one column per score, named after ``stem``; returns their names.

        A link in float32 may be a unit of it away from the library, which whatever comes after it multiplies.
        """
        if str(estimate.kernel.params.get("link")).endswith("float32"):
            self.loosen(1e-6, 1e-5)
        count = estimate.outputs.count
        names = [stem] if count == 1 else [f"{stem} of {name}" for name in estimate.outputs.classes]
        made = self.fresh_all(names)
        params = {**estimate.kernel.params, "scores": estimate.outputs.meaning}
        kernel = replace(estimate.kernel, made=made, params=params)
        if estimate.leaves is not None:
            self.grown.append(Grown(kernel, estimate.leaves))
        return self.add(kernel)


def _makes_gaps(step: Part) -> bool:
    """Whether a step may leave no value where there was one."""
    undefined = step.name == "function@1" and step.params["name"] in PARTIAL
    return undefined or step.name == "missing_if@1" or (step.name == "encode@1" and step.params["unknown"] == "missing")


@runtime_checkable
class Source(Protocol):
    """A fitted model in its library: what is imported, and the oracle that the import is held against.

    ``library`` is the library's name and release. ``methods`` are the answers that it gives, first the one that the
    version gives; the others are compared, too: the margin behind probabilities, the class. ``sentinels`` are the
    numbers that it takes as missing besides NaN, by column. ``refusals`` are the errors that it raises for rows that it
    does not take.
    """

    @property
    def library(self) -> tuple[str, str]: ...
    @property
    def methods(self) -> Sequence[str]: ...
    @property
    def sentinels(self) -> Mapping[str, float]: ...
    @property
    def refusals(self) -> tuple[type[Exception], ...]: ...

    def names(self, rows: pd.DataFrame) -> Columns:
        """The columns of ``rows`` that the model takes, in its order."""

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:
        """Draft the version."""

    def answer(self, rows: pd.DataFrame, method: str) -> Floats:
        """The library's own scores of raw rows, float64 ``(outputs, rows)``, as ``Estimate`` has them.

        ``"predict"`` of a classifier is the index of the class. Raises one of ``refusals`` for rows that it does not
        take.
        """
