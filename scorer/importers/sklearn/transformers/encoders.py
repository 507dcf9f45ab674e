"""Encoders of categories: OneHotEncoder, OrdinalEncoder, TargetEncoder."""

from __future__ import annotations

import numbers as kinds
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from scorer.batch import Floats, Int64s
from scorer.importers.parts import Columns, Draft, Fitted
from scorer.importers.refusal import refused, require
from scorer.model import build_steps
from scorer.model.build import Part
from scorer.model.build_steps import Choice
from scorer.model.inputs import WHOLE


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The categories of one column as encode@1 takes them.

    ``places`` says where in the library's list each of ``known`` stands; ``gap`` where a missing value does, if it is a
    category.
    """

    known: Sequence[str] | Floats
    places: tuple[int, ...]
    gap: int | None

    def encode(self, taken: str, made: Sequence[str], values: Floats, unknown: Choice) -> Part:
        """The step; ``values`` ``(outputs, categories)`` are in the library's order, NaN for no value."""
        missing: Choice = "unknown"
        if self.gap is not None:
            missing = "missing" if np.isnan(values[:, self.gap]).any() else values[:, self.gap]
        return build_steps.encode(
            taken, made, self.known, values[:, list(self.places)], unknown=unknown, missing=missing
        )


def one_hot(fitted: OneHotEncoder, columns: Columns, draft: Draft) -> Columns:
    """A code for the category or its group, then a column for each code but the dropped one."""
    found: list[str] = []
    for place, name in enumerate(columns):
        group = _groups(fitted, place)
        count = int(group.max()) + 1
        rare = _has_rare(fitted, place)
        unknown: Choice = "refuse"
        if fitted.handle_unknown != "error":
            unknown = [float(count - 1) if rare and fitted.handle_unknown != "ignore" else -1.0]
        words = vocabulary(fitted, fitted.categories_[place], name, draft)
        code = draft.add(words.encode(name, draft.fresh_all([f"{name} code"]), group[None].astype(np.float64), unknown))
        dropped = None if fitted.drop_idx_ is None else fitted.drop_idx_[place]
        shown = [k for k in range(count) if dropped is None or k != group[dropped]]
        titles = _titles(fitted.categories_[place], group, count, rare=rare)
        if shown:
            made = draft.fresh_all(f"{name}={titles[k]}" for k in shown)
            found += draft.add(build_steps.indicators(code[0], made, shown))
    return tuple(found)


def ordinal(fitted: OrdinalEncoder, columns: Columns, draft: Draft) -> Columns:
    """The number of the category or its group."""
    found: list[str] = []
    for place, name in enumerate(columns):
        values = _groups(fitted, place).astype(np.float64)
        if _is_nan(fitted.categories_[place][-1]):
            values[-1] = fitted.encoded_missing_value
        unknown: Choice = "refuse"
        if fitted.handle_unknown == "use_encoded_value":
            unknown = "missing" if np.isnan(fitted.unknown_value) else [float(fitted.unknown_value)]
        words = vocabulary(fitted, fitted.categories_[place], name, draft)
        held = values.astype(fitted.dtype).astype(np.float64)  # float16 and int8 do not hold every code
        found += draft.add(words.encode(name, draft.fresh_all([f"{name} code"]), held[None], unknown))
    return tuple(found)


def target(fitted: TargetEncoder, columns: Columns, draft: Draft) -> Columns:
    """The mean of the target where the category is, shrunk; for several classes one for each."""
    several = fitted.target_type_ == "multiclass"
    count = len(fitted.classes_) if several else 1
    means = np.asarray(fitted.target_mean_, np.float64).reshape(count)
    found: list[str] = []
    for place, name in enumerate(columns):
        values = np.array(fitted.encodings_[place * count : (place + 1) * count], np.float64)
        stems = [f"{name} target of {k}" for k in fitted.classes_] if several else [f"{name} target"]
        words = vocabulary(fitted, fitted.categories_[place], name, draft)
        found += draft.add(words.encode(name, draft.fresh_all(stems), values, means))
    return tuple(found)


def vocabulary(fitted: Fitted, categories: npt.NDArray[np.object_], name: str, draft: Draft) -> Vocabulary:
    """The categories of a column: all text where it is text, else all numbers; one of them may be no value."""
    listed = categories.tolist()
    gaps = [place for place, value in enumerate(listed) if value is None or value is pd.NA or _is_nan(value)]
    require(
        len(gaps) <= 1,
        fitted,
        f"column {name!r} has None and NaN as two categories, which events do not tell apart",
        "use one of them for what is missing",
    )
    places = [place for place in range(len(listed)) if place not in gaps]
    require(bool(places), fitted, f"column {name!r} had no value when it was fitted", "drop that column")
    gap = gaps[0] if gaps else None
    if draft.is_category(name):
        for place in places:
            _check_kind(isinstance(listed[place], str), fitted, name, listed[place], "text")
        return Vocabulary([listed[place] for place in places], tuple(places), gap)
    for place in places:
        whole = isinstance(listed[place], kinds.Real) and abs(listed[place]) <= WHOLE
        _check_kind(whole or isinstance(listed[place], float), fitted, name, listed[place], "numbers up to 2**53")
    places.sort(key=lambda place: float(listed[place]))
    return Vocabulary(np.array([float(listed[place]) for place in places]), tuple(places), gap)


def _check_kind(holds: bool, fitted: Fitted, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise refused(
            fitted,
            f"column {name!r} holds {wanted}, and {value!r} is a category of it",
            "fit it on a column of one sort, all text or all numbers",
        )


def _groups(fitted: Fitted, place: int) -> Int64s:
    """The group of each category of a column: its own number, or that of the infrequent ones, which comes last."""
    count = len(fitted.categories_[place])
    if not _has_rare(fitted, place):
        return np.arange(count)
    # Only a private attribute says so by place: by value, NaN is not equal to NaN.
    found = np.asarray(fitted._default_to_infrequent_mappings[place], np.int64)
    return np.append(found, np.zeros(count - len(found), np.int64))  # OrdinalEncoder does not group a last NaN


def _has_rare(fitted: Fitted, place: int) -> bool:
    rare = getattr(fitted, "infrequent_categories_", None)
    return rare is not None and rare[place] is not None


def _titles(categories: npt.NDArray[np.object_], group: Int64s, count: int, *, rare: bool) -> list[str]:
    """What each group is called."""
    titles = [str(categories[np.flatnonzero(group == k)[0]]) for k in range(count)]
    return [*titles[:-1], "infrequent"] if rare else titles


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and bool(np.isnan(value))
