"""The trial pointer's JSON."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.errors import SettingsError
from scorer.registry.trial import Trial, parse

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TIMES = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9000, 1, 1), timezones=st.just(UTC)).map(
    datetime.timestamp
)
TRIALS = st.one_of(
    st.builds(
        Trial,
        NAMES,
        NAMES,
        TIMES,
        percent=st.floats(0, 100, exclude_min=True) | st.integers(1, 100),
        by=st.none() | TEXTS,
    ),
    st.builds(
        Trial,
        NAMES,
        NAMES,
        TIMES,
        field=TEXTS,
        values=st.lists(TEXTS | st.integers(-(2**63), 2**63 - 1), min_size=1).map(tuple),
    ),
)

GOOD: dict[str, object] = {"id": "t", "version": "v2", "percent": 5, "until": "2026-03-01T12:00:00Z"}
BY_FIELD: dict[str, object] = {
    "id": "t",
    "version": "v2",
    "field": "origin",
    "values": ["JFK"],
    "until": "2026-03-01T12:00:00Z",
}


@given(TRIALS)
def test_what_is_written_is_read_back(trial: Trial) -> None:
    again = parse(trial.to_json())
    assert again == trial
    assert again.to_json() == trial.to_json()


def test_until_may_have_any_offset() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
    for text in ("2026-03-01T12:00:00Z", "2026-03-01T14:00:00+02:00", "2026-03-01 12:00+00:00"):
        trial = parse(json.dumps(GOOD | {"until": text}))
        assert trial.until == noon
        assert trial.live(noon - 0.001)
        assert not trial.live(noon)


def without(fields: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize(
    "fields",
    [
        *(without(GOOD, name) for name in GOOD),
        *(without(BY_FIELD, name) for name in BY_FIELD),
        GOOD | {"percnt": 5},
        GOOD | {"id": "a b"},
        GOOD | {"version": 2},
        *(GOOD | {"percent": bad} for bad in (0, -1, 100.5, "5", True, None, [5], 10**400)),
        *(GOOD | {"until": bad} for bad in ("2026-03-01T12:00:00", "2026-03-01", "soon", 1_767_268_800, "", None)),
        GOOD | {"until": "0001-01-01T00:00:00+00:00"},
        GOOD | {"field": "origin", "values": ["JFK"]},
        GOOD | {"by": ""},
        GOOD | {"by": 1},
        BY_FIELD | {"by": "carrier"},
        *(BY_FIELD | {"values": bad} for bad in ([], "JFK", [1.5], [True], [None], [["JFK"]], [2**63], ["\ud800"])),
        BY_FIELD | {"values": list(range(1_001))},
        BY_FIELD | {"field": ""},
    ],
)
def test_anything_else_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        parse(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "{", "null", "5", '"t"', "[]", "NaN", "[" * 60_000, " " * 65_537])
def test_anything_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="a trial"):
        parse(text)


@given(st.text())
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with contextlib.suppress(SettingsError):
        parse(text)
