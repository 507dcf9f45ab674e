"""The champion's training data, as far as drift is measured against it: kept in the state for its readers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from monitor.stats.drift import category_counts, number_bins
from scorer.model.evidence import CategoryProfile, NumberProfile, Profile
from scorer.quality.undefined import Undefined

KEPT: Final = "trained"
"""Under this name the state keeps it (``Step.keep``)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Of the ``n`` training rows of ``version``: the quantiles of each output's scores at ``shares``, and how many
    values of each input lie in the bins of ``monitor.stats.drift``, the last for what is missing.

    An input of which the profile knows no value is not among ``inputs``; a score of which there was none is empty.
    """

    version: str
    n: int
    shares: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]
    inputs: Mapping[str, tuple[float, ...]]

    @staticmethod
    def of(version: str, profile: Profile) -> Trained:
        """By a version's profile."""
        counted = {name: _counts(entry, profile) for name, entry in profile.inputs.items()}
        known = {name: counts for name, counts in counted.items() if counts is not None}
        return Trained(version, profile.n, profile.probabilities, profile.scores, known)

    def to_json(self) -> bytes:
        """As UTF-8 JSON; infinite quantiles are written as JSON's extension has them."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @staticmethod
    def of_json(data: bytes) -> Trained:
        """What :meth:`to_json` gave."""
        values = json.loads(data)
        return Trained(
            values["version"],
            values["n"],
            tuple(values["shares"]),
            tuple(tuple(run) for run in values["scores"]),
            {name: tuple(counts) for name, counts in values["inputs"].items()},
        )


def _counts(entry: NumberProfile | CategoryProfile, profile: Profile) -> tuple[float, ...] | None:
    if isinstance(entry, CategoryProfile):
        return tuple(category_counts(entry, {})[0].tolist())
    try:
        return tuple(number_bins(entry, profile.probabilities, profile.n)[1].tolist())
    except Undefined:
        return None
