"""Golden rows: raw rows and the scores that the training library gave them, which a version must reproduce.

They are checked whenever a version is about to score: nothing else shows that this machine, this release and these
bytes together still calculate what was trained.
"""

from __future__ import annotations

import numpy as np

from scorer.errors import VersionRefused
from scorer.model import version as versions
from scorer.model.limits import DEFAULT, Limits
from scorer.model.model import Model
from scorer.model.table import Results, Table, from_rows
from scorer.model.version import VersionBytes


def admit(
    stored: VersionBytes,
    limits: Limits = DEFAULT,
    *,
    model: str | None = None,
    version: str | None = None,
    digest: bytes | None = None,
) -> Model:
    """All that a version must pass before it may score: form, tensors, algorithms, golden rows.

    ``model``, ``version`` and ``digest``, where given, are what was asked for. Raises ``VersionRefused`` with the
    reason ``"manifest"``, ``"tensors"``, ``"identity"``, ``"pipeline"`` or ``"golden"``, and nothing else.
    """
    admitted = Model(versions.load(stored, limits, model=model, version=version, digest=digest), limits)
    check(admitted)
    return admitted


def check(model: Model) -> None:
    """Score the golden rows. Raises ``VersionRefused("golden", ...)`` for the first row that is not reproduced."""
    golden = model.manifest.golden
    expected = np.array(golden.expected).T
    got = score(model, from_rows(model.inputs, golden.inputs))
    for row in np.flatnonzero(got.missing >= 0):
        refusal = model.unscored(int(got.missing[row]))
        raise VersionRefused("golden", f"golden row {row} cannot be scored: {refusal.column!r}: {refusal.why}")
    near = np.isclose(got.scores, expected, golden.rtol, golden.atol, equal_nan=True)
    for row in np.flatnonzero(~near.all(axis=0)):
        raise VersionRefused(
            "golden",
            f"golden row {row}: expected {expected[:, row].tolist()}, got {got.scores[:, row].tolist()} "
            f"(atol {golden.atol}, rtol {golden.rtol}); the version does not calculate here what was trained",
        )


def score(model: Model, raw: Table) -> Results:
    """Score all rows of a table."""
    rows = raw.columns.capacity
    results = Results(np.empty((model.n_outputs, rows)), np.empty(rows, np.uint8), np.empty(rows, np.int32))
    model.bind(raw.layout).score(raw.columns, raw.rows, results.scores, results.flags, results.missing)
    return results
