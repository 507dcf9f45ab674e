"""How durations and times are written."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.cli.options import duration, moment
from scorer.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90s", 90), ("1d12h", 129_600), ("1.5m", 90), ("250ms", 0.25), ("1w", 604_800), ("1m30s", 90)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2x", "-2h", "2h ", "2 h", "2h30", "1e3s", "٣h", "2H", "0h"])
def test_what_is_no_duration_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(SettingsError, match="--for"):
        duration(text, "--for")


@given(st.text())
def test_any_text_is_a_duration_a_time_or_an_error(text: str) -> None:
    with suppress(SettingsError):
        assert duration(text, "--for") > 0.0
    with suppress(SettingsError):
        assert isinstance(moment(text, "--since", 0.0), float)


def test_moments() -> None:
    assert moment("2h", "--since", 10_000.0) == 2_800.0
    assert moment("1970-01-01T01:00:00Z", "--since", 0.0) == 3_600.0
    assert moment("1970-01-01T01:00:00+01:00", "--since", 0.0) == 0.0
    assert moment("1970-01-02", "--since", 0.0) == 86_400.0
    with pytest.raises(SettingsError, match="--since"):
        moment("yesterday", "--since", 0.0)
