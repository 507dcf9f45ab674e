"""What depends on how values are distributed: quantiles, powers, bins."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, PowerTransformer, QuantileTransformer

from scorer.importers.parts import Columns, Draft
from scorer.importers.refusal import require
from scorer.importers.sklearn.transformers.common import each, numbers
from scorer.model import build, build_steps

_HIGHEST = np.finfo(np.float64).max


def quantile(fitted: QuantileTransformer, columns: Columns, draft: Draft) -> Columns:
    """The place between the quantiles."""
    numbers(fitted, columns, draft)
    require(len(fitted.references_) > 1, fitted, "it has one quantile only", "fit it with n_quantiles of 2 and more")
    _require_known(fitted, bool(np.isfinite(fitted.quantiles_).all()))
    return each(
        columns,
        draft,
        "quantile",
        lambda taken, made: build_steps.quantiles(
            taken, made, fitted.quantiles_, fitted.references_, fitted.output_distribution
        ),
    )


def power(fitted: PowerTransformer, columns: Columns, draft: Draft) -> Columns:
    """Yeo-Johnson or Box-Cox, then the standard scaler that it has inside."""
    numbers(fitted, columns, draft)
    _require_known(fitted, bool(np.isfinite(fitted.lambdas_).all()))
    made = each(
        columns, draft, "power", lambda taken, new: build_steps.power(taken, new, fitted.lambdas_, fitted.method)
    )
    if not fitted.standardize:
        return made
    scaler = fitted._scaler  # nothing public holds its mean and scale
    return each(made, draft, "scaled", lambda taken, new: build.standardise(taken, new, scaler.mean_, scaler.scale_))


def bins(fitted: KBinsDiscretizer, columns: Columns, draft: Draft) -> Columns:
    """The number of the bin, or a column for each bin."""
    numbers(fitted, columns, draft)
    require(
        fitted.dtype in (None, np.float64),
        fitted,
        f"it compares numbers as {np.dtype(fitted.dtype).name}",
        "fit it with dtype=None or numpy.float64",
    )
    # A constant column has one bin without ends.
    edges = [np.clip(np.asarray(own, np.float64), -_HIGHEST, _HIGHEST) for own in fitted.bin_edges_]
    made = each(columns, draft, "bin", lambda taken, new: build_steps.bins(taken, new, edges))
    if fitted.encode == "ordinal":
        return made
    found: list[str] = []
    for name, count in zip(made, fitted.n_bins_.tolist(), strict=True):
        new = draft.fresh_all(f"{name}={code}" for code in range(count))
        found += draft.add(build_steps.indicators(name, new, range(count)))
    return tuple(found)


def binarizer(fitted: Binarizer, columns: Columns, draft: Draft) -> Columns:
    """1 above the threshold, else 0: two bins, the second of which begins with the next number."""
    numbers(fitted, columns, draft)
    edges = np.array([-_HIGHEST, np.nextafter(float(fitted.threshold), np.inf), _HIGHEST])
    return each(columns, draft, "above", lambda taken, made: build_steps.bins(taken, made, [edges] * len(taken)))


def _require_known(fitted: object, known: bool) -> None:
    require(
        known, fitted, "a column had no value when it was fitted", "drop that column, or fit it on rows with values"
    )
