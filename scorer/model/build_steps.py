"""Parts for preparation steps: from what a training library fitted, as plain arrays. See :mod:`scorer.model.build`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scorer.model.build import Part
from scorer.model.canonical import Json
from scorer.model.tensors import Tensor

Choice = npt.ArrayLike | str
"""What a category outside of the list becomes: a number per output, or a word that encode@1 knows."""


def encode(
    taken: str,
    made: Sequence[str],
    categories: Sequence[str] | npt.NDArray[np.float64],
    values: npt.ArrayLike,
    *,
    unknown: Choice = "refuse",
    missing: Choice = "unknown",
) -> Part:
    """Numbers for categories: ``values`` ``(outputs, categories)``; categories are text, or increasing numbers.

    ``unknown`` is a number per output, ``"missing"`` or ``"refuse"``; ``missing`` a number per output, ``"missing"`` or
    ``"unknown"``.
    """
    arrays: dict[str, Tensor] = {"values": np.array(values, np.float64).reshape(len(made), len(categories))}
    params: dict[str, Json] = {}
    if isinstance(categories, np.ndarray):
        arrays["categories"] = np.array(categories, np.float64)
    else:
        params["categories"] = list(categories)
    for role, choice in (("unknown", unknown), ("missing", missing)):
        if isinstance(choice, str):
            params[role] = choice
        else:
            params[role] = "value"
            arrays[role] = np.array(choice, np.float64).reshape(len(made))
    return Part("encode@1", [taken], made, params, arrays)


def indicators(taken: str, made: Sequence[str], codes: Sequence[int]) -> Part:
    """A column of 0 and 1 for each code."""
    return Part("indicators@1", [taken], made, {}, {"codes": np.array(codes, np.int32)})


def is_missing(taken: Sequence[str], made: Sequence[str]) -> Part:
    """1 where a value is missing, else 0."""
    return Part("is_missing@1", taken, made)


def missing_if(taken: Sequence[str], made: Sequence[str], value: float | str) -> Part:
    """No value where there is ``value``: a number in numeric columns, a text in text columns."""
    params: dict[str, Json] = {"texts": [value]} if isinstance(value, str) else {"value": float(value)}
    return Part("missing_if@1", taken, made, params)


def require(taken: Sequence[str], made: Sequence[str], *, missing_too: bool) -> Part:
    """Refuse rows in which a column is infinite, or missing too."""
    return Part("require@1", taken, made, {"missing": "refused" if missing_too else "allowed"})


def float32(taken: Sequence[str], made: Sequence[str]) -> Part:
    """Round to float32; refuse rows in which that is infinite."""
    return Part("float32@1", taken, made)


def scale(taken: Sequence[str], made: Sequence[str], scale: npt.ArrayLike, shift: npt.ArrayLike) -> Part:
    """Multiply, then add."""
    return Part(
        "scale@1", taken, made, {}, {"scale": np.array(scale, np.float64), "shift": np.array(shift, np.float64)}
    )


def clip(taken: Sequence[str], made: Sequence[str], low: float | None, high: float | None) -> Part:
    """Move what is below ``low`` or above ``high`` to the bound; ``None`` is no bound."""
    bounds: dict[str, Json] = {
        name: None if bound is None else float(bound) for name, bound in (("low", low), ("high", high))
    }
    return Part("clip@1", taken, made, bounds)


def polynomial(taken: Sequence[str], made: Sequence[str], powers: npt.ArrayLike) -> Part:
    """Products of powers; ``powers`` ``(outputs, columns)``."""
    return Part("polynomial@1", taken, made, {}, {"powers": np.array(powers, np.int32)})


def normalise(taken: Sequence[str], made: Sequence[str], norm: str) -> Part:
    """Divide a row by its norm: ``l1``, ``l2`` or ``max``."""
    return Part("normalise@1", taken, made, {"norm": norm})


def bins(taken: Sequence[str], made: Sequence[str], edges: Sequence[npt.ArrayLike]) -> Part:
    """The bin of a number; ``edges`` of each column with the outer ones."""
    arrays: dict[str, Tensor] = {
        "edges": np.concatenate([np.array(own, np.float64) for own in edges]),
        "bins": np.array([len(np.asarray(own)) - 1 for own in edges], np.int32),
    }
    return Part("bins@1", taken, made, {}, arrays)


def quantiles(
    taken: Sequence[str], made: Sequence[str], quantiles: npt.ArrayLike, references: npt.ArrayLike, output: str
) -> Part:
    """The place in a distribution: ``quantiles`` ``(n, columns)``, ``references`` ``(n,)``, uniform or normal."""
    arrays: dict[str, Tensor] = {
        "quantiles": np.array(quantiles, np.float64, order="C"),
        "references": np.array(references, np.float64),
    }
    return Part("quantiles@1", taken, made, {"output": output}, arrays)


def power(taken: Sequence[str], made: Sequence[str], exponents: npt.ArrayLike, method: str) -> Part:
    """A power transform: ``yeo-johnson`` or ``box-cox``."""
    return Part("power@1", taken, made, {"method": method}, {"lambda": np.array(exponents, np.float64)})


def function(taken: Sequence[str], made: Sequence[str], name: str) -> Part:
    """An elementary function by its name in numpy."""
    return Part("function@1", taken, made, {"name": name})


def date(taken: Sequence[str], made: Sequence[str], part: str, wave: str | None = None) -> Part:
    """A part of a moment, or the sine or cosine of its place in its cycle."""
    return Part("date@1", taken, made, {"part": part, "wave": wave})
