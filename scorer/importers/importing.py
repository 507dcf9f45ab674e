"""The import of a model: draft, proof, version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from scorer.errors import NotImportable, SchemaError, SettingsError, VersionRefused
from scorer.importers import files, probes, proof
from scorer.importers import rows as raw
from scorer.importers.parts import Columns, Draft, Estimate, Fitted, Grown, Source
from scorer.importers.proof import Difference, Odd
from scorer.model import build
from scorer.model.build import Design, Proof
from scorer.model.frame import rows as rows_of
from scorer.model.frame import values
from scorer.model.inputs import Input
from scorer.model.limits import DEFAULT, Limits
from scorer.model.model import Model
from scorer.model.outputs import Outputs
from scorer.model.profile import profile
from scorer.model.version import VersionBytes, load

GOLDEN = 256
"""The most golden rows that an import writes."""


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """A proven version, and how far it is from the library in each respect.

    ``notes`` say what was not compared, and what nobody but who trained the model can know to be right.
    """

    stored: VersionBytes
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()


def import_model(
    source: object,
    *,
    model: str,
    version: str,
    rows: pd.DataFrame | str | Path,
    serial: int = 0,
    classes: Sequence[str] | None = None,
    inputs: Sequence[Input] | None = None,
    columns: Columns | None = None,
    allow_pickle: bool = False,
    trust: Sequence[str] = (),
    limits: Limits = DEFAULT,
) -> Imported:
    """A version that scores raw rows as the library that trained it does, and has been held against it.

    ``source`` is a fitted estimator or pipeline of scikit-learn, a model of XGBoost or LightGBM, or the path of a file
    (skops, XGBoost JSON or UBJ, LightGBM text, a table of coefficients). ``rows`` are raw rows that it was trained on,
    or like them: a frame, or a Parquet or CSV file. ``model``, ``version`` and ``serial`` go into the manifest.

    ``classes`` renames the classes in the library's order. ``inputs`` says what events hold, where the rows do not
    show it: which inputs may be missing is else found out by asking the library, dtypes are those of the rows.
    ``columns`` names what a model was fitted on that knows no names: columns of the rows, in its order. Pickles are
    read only with ``allow_pickle``, types in skops files that are not of scikit-learn only where ``trust`` names
    them.

    Raises ``NotImportable`` for what cannot be represented exactly, ``SchemaError`` where the rows do not fit, and
    ``VersionRefused``, with all differences in its message, where the version does not score as the library.
    """
    found = files.source(source, allow_pickle=allow_pickle, trust=trust)
    given = raw.chosen(raw.read(rows), columns)
    by_place = () if columns is not None else _taken_by_place(found, given)
    taken = raw.taken(given, found.names(given))
    shown = raw.inputs(taken)
    _check_answered(found, taken)
    listed = shown if inputs is None else _given(taken, inputs)
    draft, estimate = _drafted(found, listed, found.methods[0])
    _check_size(found, _used(listed, draft, estimate), draft, limits)
    known = probes.nullable(taken, listed, found) if inputs is None else listed
    entries = _used(known, draft, estimate)
    outputs = estimate.outputs if classes is None else _renamed(estimate.outputs, classes)
    design = Design(
        model=model,
        name=version,
        serial=serial,
        trained_with=found.library,
        inputs=entries,
        steps=draft.steps,
        kernel=estimate.kernel,
        kind=outputs.kind,
        classes=outputs.classes,
        scale=outputs.scale,
        threshold=outputs.threshold,
    )
    compiled = _compiled(design, taken, limits)
    tried = [*probes.of_inputs(taken, entries, found), *probes.on_thresholds(taken, entries, draft)]
    odd = proof.probed(found, compiled, draft, tried)
    margins, notes = _behind(found, known, design, taken, limits)
    differences = (*_near(found, compiled, draft, taken), *margins, odd.scores, odd.refusals)
    if not all(one.ok for one in differences):
        raise VersionRefused("proof", _told(differences))
    shape = profile(entries, values(entries, taken), proof.scored(compiled, taken))
    stored = build.version(replace(design, profile=shape), _golden(found, entries, draft, taken, odd), limits)
    return Imported(stored, differences, (*by_place, *notes))


def _taken_by_place(source: Source, rows: pd.DataFrame) -> tuple[str, ...]:
    """A note, where the model knows no names and takes whatever columns the rows have in their order."""
    names = source.names(rows)
    if len(names) < 2 or names != source.names(rows[rows.columns[::-1]])[::-1]:
        return ()
    return (
        f"the model knows no names of columns, so it is taken to be trained on {', '.join(names)}, in this order; if "
        "it was another, name them in that (columns=…, --columns)",
    )


def _check_answered(source: Source, rows: pd.DataFrame) -> None:
    """Raise ``SchemaError`` with the library's own words where it does not take the rows."""
    try:
        source.answer(rows, source.methods[0])
    except source.refusals as error:
        raise SchemaError(f"{source.library[0]} itself does not take these rows: {error}") from None


def _given(rows: pd.DataFrame, inputs: Sequence[Input]) -> tuple[Input, ...]:
    """The given inputs in the order of the model's columns."""
    by_name = {entry.name: entry for entry in inputs}
    names = [str(name) for name in rows.columns]
    if sorted(by_name) != sorted(names):
        raise SchemaError(f"the inputs must be those that the model takes: {', '.join(names)}")
    return tuple(by_name[name] for name in names)


def _drafted(source: Source, inputs: Sequence[Input], method: str) -> tuple[Draft, Estimate]:
    draft = Draft({entry.name: entry.dtype for entry in inputs}, _transform, _estimate)
    estimate = source.estimate(tuple(entry.name for entry in inputs), draft, method)
    if estimate.leaves is not None:
        draft.grown.append(Grown(estimate.kernel, estimate.leaves))
    return draft, estimate


def _check_size(source: Source, inputs: Sequence[Input], draft: Draft, limits: Limits) -> None:
    """Raise ``NotImportable`` where there are more columns than a version may have."""
    count = len(inputs) + sum(len(part.made) for part in draft.steps)
    what = f"this model of {source.library[0]}"
    if len(inputs) > limits.inputs:
        why = f"it takes {len(inputs):,} columns, and a version at most {limits.inputs:,}"
        raise NotImportable(what, why, "train it on fewer, for example those that SelectFromModel keeps")
    if count > limits.columns:
        raise NotImportable(
            what,
            f"its columns and those that its preparation makes are {count:,}, and those of a version at most "
            f"{limits.columns:,}",
            "put rare categories together (OneHotEncoder with min_frequency or max_categories), or use a TargetEncoder",
        )


def _transform(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    from scorer.importers.sklearn import dispatch  # noqa: PLC0415 - behind its extra; other libraries nest nothing

    return dispatch.transform(fitted, columns, draft)


def _estimate(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    from scorer.importers.sklearn import dispatch  # noqa: PLC0415 - behind its extra; other libraries nest nothing

    return dispatch.estimate(fitted, columns, draft, method)


def _used(inputs: Sequence[Input], draft: Draft, estimate: Estimate) -> tuple[Input, ...]:
    """Without those that the pipeline drops."""
    taken = set(chain.from_iterable(part.taken for part in (*draft.steps, estimate.kernel)))
    return tuple(entry for entry in inputs if entry.name in taken)


def _renamed(outputs: Outputs, classes: Sequence[str]) -> Outputs:
    if len(classes) != len(outputs.classes):
        raise SettingsError(
            f"there are {len(outputs.classes)} classes, {', '.join(outputs.classes) or 'none'}; name as many, in order"
        )
    return replace(outputs, classes=tuple(classes))


def _compiled(design: Design, sample: pd.DataFrame, limits: Limits) -> Model:
    """The model of a design that is not proven yet. Raises ``VersionRefused``."""
    count = Outputs(design.kind, tuple(design.classes)).count
    nothing = Proof(rows_of(tuple(design.inputs), sample.iloc[:1]), np.zeros((count, 1)))
    return Model(load(build.draft(design, nothing), limits), limits)


def _near(source: Source, model: Model, draft: Draft, rows: pd.DataFrame) -> list[Difference]:
    """Leaves, scores and classes of the given rows."""
    found = [*proof.leaves(model, draft, rows), proof.scores(source, model, draft, source.methods[0], rows)]
    if model.classes and "predict" in source.methods:
        found.append(proof.decided(source, model, draft, rows))
    return found


def _behind(
    source: Source, inputs: Sequence[Input], design: Design, rows: pd.DataFrame, limits: Limits
) -> tuple[list[Difference], tuple[str, ...]]:
    """The margins behind the probabilities, where the library gives them: a version of its own, which is not kept."""
    if source.methods[0] != "predict_proba" or "decision_function" not in source.methods:
        return [], ()
    try:
        draft, estimate = _drafted(source, inputs, "decision_function")
    except NotImportable as error:
        return [], (f"the margins were not compared: {error}",)
    other = replace(
        design,
        inputs=_used(inputs, draft, estimate),
        steps=draft.steps,
        kernel=estimate.kernel,
        scale=estimate.outputs.scale,
        threshold=estimate.outputs.threshold,
    )
    return [proof.scores(source, _compiled(other, rows, limits), draft, "decision_function", rows)], ()


def _golden(source: Source, inputs: tuple[Input, ...], draft: Draft, rows: pd.DataFrame, odd: Odd) -> Proof:
    """Golden rows: some of the given ones, then as many odd ones as there is room for, with the library's scores."""
    sample = probes.sample(rows)
    expected = [source.answer(sample, source.methods[0])]
    found = rows_of(inputs, sample)
    for probe, scores in odd.scored[: GOLDEN - len(found)]:
        found += rows_of(inputs, probe.row)
        expected.append(scores)
    return Proof(found, np.concatenate(expected, axis=1), draft.atol, draft.rtol)


def _told(differences: Sequence[Difference]) -> str:
    wrong = [
        f"{one.what}: {one.differing} of {one.rows} rows differ; {one.example}" for one in differences if not one.ok
    ]
    return "the version does not score as the library does: " + "; ".join(wrong)
