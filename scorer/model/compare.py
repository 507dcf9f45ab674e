"""What differs between two versions: inputs, preparation, coefficients, outputs, profile, golden rows.

Facts are plain data, as ``--json`` prints them. A step or kernel of one version is the other's where both have the same
name and make the same columns; so a step that is put between others changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from scorer.batch import Bools, Floats
from scorer.model.evidence import CategoryProfile, NumberProfile, Profile
from scorer.model.inputs import Input
from scorer.model.manifest import Algorithm, Manifest
from scorer.model.tensors import Tensor
from scorer.model.version import Version

Facts: TypeAlias = "dict[str, Any]"

_LINEAR = {"coef", "intercept"}
_TREES = {"root", "left", "feature"}
_MEDIAN = 0.5


def versions(a: Version, b: Version) -> Facts:
    """Everything that differs. Every entry is empty, or ``None``, where nothing does."""
    pairs = _paired(a.manifest, b.manifest)
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    return {
        "same": a.digest == b.digest,
        "inputs": _inputs(a.manifest.inputs, b.manifest.inputs),
        "parts": [fact for one, other in pairs if (fact := _part(one, other))],
        "outputs": _changed(a.manifest.outputs.to_json(), b.manifest.outputs.to_json()),
        "coefficients": [fact for one, other in both for fact in _tensors(one, a, other, b)],
        "weights": [fact for one, other in both for fact in _weights(one, a, other, b)],
        "trees": [fact for one, other in pairs for fact in _trees(one, a, other, b)],
        "profile": _profiles(a.manifest.profile, b.manifest.profile),
        "golden": _golden(a.manifest, b.manifest),
        "trained_with": _pair(_library(a.manifest), _library(b.manifest)),
    }


Pair: TypeAlias = "tuple[Algorithm | None, Algorithm | None]"


def _paired(a: Manifest, b: Manifest) -> list[Pair]:
    """The parts of both, side by side where they are the same one."""
    theirs = {(step.name, step.outputs): step for step in b.pipeline}
    pairs: list[Pair] = [(step, theirs.pop((step.name, step.outputs), None)) for step in a.pipeline]
    last: list[Pair] = (
        [(a.kernel, b.kernel)] if a.kernel.name == b.kernel.name else [(a.kernel, None), (None, b.kernel)]
    )
    return [*pairs, *((None, step) for step in theirs.values()), *last]


def _pair(one: object, other: object) -> list[object] | None:
    return None if one == other else [one, other]


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The entries that differ, by name, with both values; ``None`` where one has none."""
    return {name: [one.get(name), other.get(name)] for name in {**one, **other} if one.get(name) != other.get(name)}


def _library(manifest: Manifest) -> str:
    return f"{manifest.trained_with.library} {manifest.trained_with.version}"


def _inputs(one: Sequence[Input], other: Sequence[Input]) -> Facts:
    before, after = ({entry.name: entry.to_json() for entry in entries} for entries in (one, other))
    return {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "changed": {
            name: _changed(_fields(before[name]), _fields(after[name]))
            for name in before
            if name in after and before[name] != after[name]
        },
    }


def _fields(entry: Any) -> dict[str, Any]:
    return dict(entry)


def _label(part: Algorithm) -> str:
    made = ", ".join(part.outputs[:3]) + (", …" if len(part.outputs) > 3 else "")
    return f"{part.name} → {made}" if made else part.name


def _part(one: Algorithm | None, other: Algorithm | None) -> Facts | None:
    """What differs in a step or kernel besides its tensors."""
    if one is None or other is None:
        part = other or one
        assert part is not None  # noqa: S101  # one of a pair is there
        return {"part": _label(part), "change": "added" if one is None else "removed", "takes": list(part.inputs)}
    what = _changed({"takes": list(one.inputs), **one.params}, {"takes": list(other.inputs), **other.params})
    return {"part": _label(other), "change": "changed", "what": what} if what else None


def _of(part: Algorithm | None, version: Version) -> dict[str, Tensor]:
    return {} if part is None else {role: version.tensors[name] for role, name in part.tensors.items()}


def _tensors(one: Algorithm, a: Version, other: Algorithm, b: Version) -> Iterable[Facts]:
    """The tensors of a part that differ."""
    before, after = _of(one, a), _of(other, b)
    for role in before | after:
        x, y = before.get(role), after.get(role)
        fact: Facts = {"part": _label(other), "tensor": role, "shape": [_shape(x), _shape(y)]}
        if x is None or y is None or x.shape != y.shape or x.dtype != y.dtype:
            yield {**fact, "changed": None, "of": None, "largest": None}
        elif (differs := _differs(x, y)).any():
            yield {**fact, "changed": int(differs.sum()), "of": int(x.size), "largest": _largest(x, y)}


def _shape(tensor: Tensor | None) -> str | None:
    return None if tensor is None else f"{tensor.dtype.name} {list(tensor.shape)}"


def _differs(x: Tensor, y: Tensor) -> Bools:
    """Where the bits differ: -0.0 is not 0.0."""
    if x.dtype.kind == "f":
        x, y = (np.ascontiguousarray(array).view(f"i{array.itemsize}") for array in (x, y))
    return np.asarray(x != y, np.bool_)


def _largest(x: Tensor, y: Tensor) -> float | None:
    """The largest change of a number; ``None`` where one of the two is not finite."""
    with np.errstate(all="ignore"):
        found = np.abs(y.astype(np.float64) - x.astype(np.float64)).max()
    return float(found) if np.isfinite(found) else None


def _weights(one: Algorithm, a: Version, other: Algorithm, b: Version) -> Iterable[Facts]:
    """The weights of a linear kernel by column, the largest change first; ``None`` where a column is in one only."""
    before, after = _named_weights(one, a), _named_weights(other, b)
    found = [
        {"column": column, "score": score, "from": x, "to": y, "change": (y or 0.0) - (x or 0.0)}
        for column, score in before | after
        if (x := before.get((column, score))) != (y := after.get((column, score)))
    ]
    return sorted(found, key=lambda fact: -abs(float(str(fact["change"]))))


def _named_weights(part: Algorithm, version: Version) -> dict[tuple[str, str | None], float]:
    tensors = _of(part, version)
    if not tensors.keys() >= _LINEAR or tensors["coef"].ndim != 2:
        return {}
    coef: Floats = tensors["coef"]
    if coef.shape[1] != len(part.inputs):
        return {}
    classes = version.manifest.outputs.classes
    names: list[str | None] = [None] if len(coef) == 1 else [str(number) for number in range(len(coef))]
    if not part.outputs and len(classes) == len(coef):
        names = list(classes)
    found: dict[tuple[str, str | None], float] = {}
    for name, weights, constant in zip(names, coef.tolist(), tensors["intercept"].tolist(), strict=True):
        found["(intercept)", name] = constant
        found |= {(column, name): weight for column, weight in zip(part.inputs, weights, strict=True)}
    return found


def _trees(one: Algorithm | None, a: Version, other: Algorithm | None, b: Version) -> Iterable[Facts]:
    """Both sides of a kernel of trees: how many trees and leaves, and which columns they split on."""
    before, after = _forest(one, a), _forest(other, b)
    if before != after:
        part = other or one
        assert part is not None  # noqa: S101  # one of a pair is there
        used = [set(side["columns"]) if side else set() for side in (before, after)]
        yield {
            "part": _label(part),
            "trees": [side and side["trees"] for side in (before, after)],
            "leaves": [side and side["leaves"] for side in (before, after)],
            "columns": [side and len(side["columns"]) for side in (before, after)],
            "columns_added": sorted(used[1] - used[0]),
            "columns_removed": sorted(used[0] - used[1]),
        }


def _forest(part: Algorithm | None, version: Version) -> Facts | None:
    tensors = _of(part, version)
    if part is None or not tensors.keys() >= _TREES:
        return None
    leaf = tensors["left"] == np.arange(len(tensors["left"]))
    splits = np.unique(tensors["feature"][~leaf])
    return {
        "trees": len(tensors["root"]),
        "leaves": int(leaf.sum()),
        "columns": [part.inputs[feature] for feature in splits.tolist()],
    }


def _profiles(one: Profile | None, other: Profile | None) -> Facts:
    """The training data: rows; by input the share of missing values, the median, and categories that came or went."""
    if one is None or other is None:
        return {} if one is other else {"there": [one is not None, other is not None]}
    found: Facts = {} if one.n == other.n else {"rows": [one.n, other.n]}
    for name in {**one.inputs, **other.inputs}:
        before, after = one.inputs.get(name), other.inputs.get(name)
        if before is not None and after is not None and before != after:
            found.setdefault("inputs", {})[name] = _profile(before, one, after, other)
    if one.scores != other.scores:
        found["scores"] = [[_median(run, profile) for run in profile.scores] for profile in (one, other)]
    return found


Entry: TypeAlias = "NumberProfile | CategoryProfile"


def _profile(before: Entry, one: Profile, after: Entry, other: Profile) -> Facts:
    share: Callable[[Entry, Profile], float] = lambda entry, profile: entry.missing / max(profile.n, 1)  # noqa: E731
    found: Facts = {"missing": [share(before, one), share(after, other)]}
    if isinstance(before, NumberProfile) and isinstance(after, NumberProfile):
        found["median"] = [_median(before.quantiles, one), _median(after.quantiles, other)]
    if isinstance(before, CategoryProfile) and isinstance(after, CategoryProfile):
        old, new = ({name for name, _ in entry.counts} for entry in (before, after))
        found |= {"came": sorted(new - old), "went": sorted(old - new)}
    return found


def _median(quantiles: Sequence[float], profile: Profile) -> float | None:
    return dict(zip(profile.probabilities, quantiles, strict=False)).get(_MEDIAN)


def _golden(a: Manifest, b: Manifest) -> Facts:
    """How many golden rows each has, how many both have (by the inputs' names), of how many the scores differ."""
    scores = [
        {
            tuple(sorted(zip((entry.name for entry in one.inputs), map(repr, row), strict=True))): repr(expected)
            for row, expected in zip(one.golden.inputs, one.golden.expected, strict=True)
        }
        for one in (a, b)
    ]
    both = scores[0].keys() & scores[1].keys()
    differing = sum(scores[0][row] != scores[1][row] for row in both)
    same = a.golden.to_json() == b.golden.to_json() and len(both) == len(scores[0])
    return (
        {} if same else {"rows": [len(one.golden.inputs) for one in (a, b)], "both": len(both), "differing": differing}
    )
