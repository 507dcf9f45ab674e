"""Which events a trial scores."""

from __future__ import annotations

import numpy as np
import pytest

from scorer.errors import VersionRefused
from scorer.scoring.models import Models, Trial
from scorer.scoring.routing import Share
from tests.scoring.support import active, batch, event, predictions, scoring

NOW = 1_000_000
N = 20_000


def roles(
    share: Share, payloads: list[bytes | None], keys: list[bytes | None] | None = None, now: int = NOW
) -> list[str]:
    """The role of each event's prediction."""
    made = scoring()
    models = Models(active(made), Trial(active(made, "v2", 2.0), share, NOW + 1))
    return [p["role"] for p in predictions(made.score(batch(payloads, keys), models, now))]


@pytest.mark.parametrize("percent", [0.5, 10.0, 50.0, 99.0, 100.0])
def test_percent_is_the_share_of_keys(percent: float) -> None:
    keys: list[bytes | None] = [b"customer-%d" % n for n in range(N)]
    found = roles(Share("t", percent=percent), [event(x=1.0)] * N, keys)
    tried = found.count("trial") / N
    # Five standard deviations of a binomial share.
    assert abs(tried - percent / 100) <= 5 * np.sqrt(percent / 100 * (1 - percent / 100) / N) + 1e-12


def test_a_key_always_meets_the_same_version_and_trials_choose_independently() -> None:
    keys: list[bytes | None] = [b"customer-%d" % (n % 50) for n in range(500)]
    payloads: list[bytes | None] = [event(x=1.0)] * 500
    first = roles(Share("t", percent=40.0), payloads, keys)
    assert first[:50] * 10 == first
    other = roles(Share("another", percent=40.0), payloads, keys)
    assert first != other


def test_by_a_field_of_any_kind() -> None:
    for field, values in (
        ("place", ["a", "b", "ü", None]),
        ("number", [1, 2, 3, 2**60]),
        ("x", [0.5, -1.0, 7.25, None]),
    ):
        payloads: list[bytes | None] = [event(**{field: values[n % 4]}) for n in range(400)]
        found = roles(Share("t", percent=50.0, by=field), payloads)
        assert found[:4] * 100 == found, "the same value went two ways"


def test_field_values_choose_exactly_those() -> None:
    payloads: list[bytes | None] = [
        event(place=place, number=number)
        for place, number in (("JFK", 1), ("JF", 2), ("LGA", 3), (None, 4), ("JFKX", 1))
    ]
    assert roles(Share("t", field="place", values=("JFK", "LGA")), payloads) == [
        "trial",
        "champion",
        "trial",
        "champion",
        "champion",
    ]
    assert roles(Share("t", field="number", values=(1, "4", "no number")), payloads) == [
        "trial",
        "champion",
        "champion",
        "trial",
        "trial",
    ]


def test_a_large_integer_is_not_taken_for_its_neighbours() -> None:
    large = 2**60
    payloads: list[bytes | None] = [event(number=number) for number in (large - 1, large, large + 1, 2**63 - 1)]
    for values in ((large,), (str(large),), (large, "0.5", "1" * 30), (large, 2**63)):
        assert roles(Share("t", field="number", values=values), payloads) == ["champion", "trial", *["champion"] * 2]


def test_after_its_end_a_trial_counts_as_absent() -> None:
    share = Share("t", percent=100.0)
    assert roles(share, [event(x=1.0)], now=NOW) == ["trial"]
    assert roles(share, [event(x=1.0)], now=NOW + 1) == ["champion"]


def test_a_field_that_the_events_lack_is_refused() -> None:
    layout = scoring().decoder.layout
    with pytest.raises(VersionRefused, match="trial t: the events have no field 'region'; they have id, number"):
        Share("t", percent=1.0, by="region").check(layout)
    Share("t", percent=1.0).check(layout)
    Share("t", field="place", values=("a",)).check(layout)
