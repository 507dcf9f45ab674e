"""What a version brings along as evidence: golden rows that it must reproduce, and the profile of its training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scorer.errors import VersionRefused
from scorer.model.canonical import Json, Reader, number_to_json
from scorer.model.inputs import Input, Raw
from scorer.model.limits import Limits

TOLERANCE = 1e-4
"""The largest tolerance of golden rows: enough for a float32 library, too little to hide a wrong coefficient."""

_COUNT = 2**53


@dataclass(frozen=True, slots=True)
class Golden:
    """Raw rows and the scores that the training library gave them.

    ``inputs`` has one raw value per manifest input and row, ``expected`` one score per output and row. A score
    agrees when ``|got - expected| <= atol + rtol * |expected|``; NaN and infinities must be met exactly.
    """

    inputs: tuple[tuple[Raw, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    atol: float
    rtol: float

    def to_json(self) -> Json:
        """As the manifest holds it: what is not finite as a string, missing as null."""
        return {
            "inputs": [
                [number_to_json(value) if isinstance(value, float) else value for value in row] for row in self.inputs
            ],
            "expected": [[number_to_json(score) for score in row] for row in self.expected],
            "atol": self.atol,
            "rtol": self.rtol,
        }


def read_golden(reader: Reader, inputs: Sequence[Input], outputs: int, limits: Limits) -> Golden:
    """Read the golden rows; raises ``VersionRefused("manifest", ...)``."""
    rows, expected, atol, rtol = reader.fields("inputs", "expected", "atol", "rtol")
    raw = tuple(
        tuple(entry.read_value(value) for entry, value in zip(inputs, row.items(len(inputs), len(inputs)), strict=True))
        for row in rows.items(1, limits.golden_rows)
    )
    scores = tuple(
        tuple(score.any_number() for score in row.items(outputs, outputs)) for row in expected.items(len(raw), len(raw))
    )
    for tolerance in (atol, rtol):
        if not 0 <= tolerance.number() <= TOLERANCE:
            tolerance.refuse(f"a tolerance from 0.0 to {TOLERANCE}")
    return Golden(raw, scores, atol.number(), rtol.number())


@dataclass(frozen=True, slots=True)
class NumberProfile:
    """One numeric input in the training data: how many values were missing, and the quantiles of the others."""

    missing: int
    quantiles: tuple[float, ...]

    def to_json(self) -> Json:
        """As the manifest holds it."""
        return {"missing": self.missing, "quantiles": [number_to_json(value) for value in self.quantiles]}


@dataclass(frozen=True, slots=True)
class CategoryProfile:
    """One category in the training data: how many were missing, how often the most frequent and the others came."""

    missing: int
    counts: tuple[tuple[str, int], ...]
    other: int

    def to_json(self) -> Json:
        """As the manifest holds it: most frequent first."""
        return {"missing": self.missing, "counts": [[name, count] for name, count in self.counts], "other": self.other}


@dataclass(frozen=True, slots=True)
class Profile:
    """The training data that drift is measured against.

    ``n`` rows; ``quantiles[i]`` of an input or score is the smallest value that at least the share
    ``probabilities[i]`` of its values does not exceed; ``scores`` has one run of quantiles per output. An input of
    which there was no value has no quantiles.
    """

    n: int
    probabilities: tuple[float, ...]
    inputs: Mapping[str, NumberProfile | CategoryProfile]
    scores: tuple[tuple[float, ...], ...]

    def to_json(self) -> Json:
        """As the manifest holds it."""
        return {
            "n": self.n,
            "probabilities": list(self.probabilities),
            "inputs": {name: entry.to_json() for name, entry in self.inputs.items()},
            "scores": [[number_to_json(value) for value in run] for run in self.scores],
        }


def read_profile(reader: Reader, inputs: Sequence[Input], outputs: int) -> Profile:
    """Read the profile; raises ``VersionRefused("manifest", ...)``."""
    count, shares, entries, scores = reader.fields("n", "probabilities", "inputs", "scores")
    n = count.integer(0, _COUNT)
    probabilities = tuple(share.number() for share in shares.items(2, 1000))
    if list(probabilities) != sorted(set(probabilities)) or probabilities[0] < 0 or probabilities[-1] > 1:
        shares.refuse("increasing numbers from 0.0 to 1.0")
    readers = entries.fields(*(entry.name for entry in inputs))
    found = {
        entry.name: _category(part) if entry.dtype == "category" else _number(part, len(probabilities))
        for entry, part in zip(inputs, readers, strict=True)
    }
    runs = tuple(_quantiles(run, len(probabilities)) for run in scores.items(outputs, outputs))
    profile = Profile(n, probabilities, found, runs)
    for name, entry in profile.inputs.items():
        counted = entry.missing
        if isinstance(entry, CategoryProfile):
            counted += entry.other + sum(times for _, times in entry.counts)
        if counted > n or (isinstance(entry, CategoryProfile) and counted != n):
            raise VersionRefused("manifest", f"{entries.path}.{name}: its counts do not add up to n = {n}")
    return profile


def _number(reader: Reader, size: int) -> NumberProfile:
    missing, quantiles = reader.fields("missing", "quantiles")
    return NumberProfile(missing.integer(0, _COUNT), _quantiles(quantiles, size))


def _quantiles(reader: Reader, size: int) -> tuple[float, ...]:
    values = tuple(entry.any_number() for entry in reader.items(0, size))
    if len(values) not in (0, size) or any(not low <= high for low, high in pairwise(values)):
        reader.refuse(f"{size} numbers that do not decrease, or none")
    return values


def _category(reader: Reader) -> CategoryProfile:
    missing, counts, other = reader.fields("missing", "counts", "other")
    pairs = []
    for pair in counts.items(0, 10_000):
        name, times = pair.items(2, 2)
        pairs.append((name.raw_text(1 << 16), times.integer(1, _COUNT)))
    if len({name for name, _ in pairs}) != len(pairs):
        counts.refuse("categories that differ from each other")
    return CategoryProfile(missing.integer(0, _COUNT), tuple(pairs), other.integer(0, _COUNT))
