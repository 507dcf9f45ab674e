"""A prediction's stamp is right where its pointer named that version at that time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sandbox import stamps
from sandbox.stamps import Stamps

DIGEST = bytes(range(32))
BEGIN = 1_000_000_000_000_000
SECOND = 1_000_000


def applied(version: str | None, seen: float, **changes: Any) -> dict[str, Any]:
    made = {"event": "applied", "pointer": "champion", "version": version, "seen": BEGIN + round(seen * SECOND)}
    return made | changes


def made(*stamped: tuple[str, str, float]) -> Stamps:
    """Predictions by (role, version, time)."""
    digests = np.array([DIGEST.hex() if version == "v1" else "ab" * 32 for _, version, _ in stamped])
    times = np.array([BEGIN + round(time * SECOND) for *_, time in stamped], np.int64)
    return Stamps(np.array([r for r, _, _ in stamped]), np.array([v for _, v, _ in stamped]), digests, times)


DIGESTS = {"v1": DIGEST.hex(), "v2": "ab" * 32}


def judged(records: list[dict[str, Any]], *stamped: tuple[str, str, float]) -> list[bool]:
    history = {role: stamps.reigns(records, role) for role in ("champion", "trial")}
    found: list[bool] = stamps.wrong(made(*stamped), history, DIGESTS).tolist()
    return found


FLIP = [applied("v1", 0.0), applied("v1", 0.1), applied("v2", 10.4), applied("v2", 10.0), applied("v2", 50.0)]
"""Two processes see v1, then v2; one of them begins anew later."""


@pytest.mark.parametrize(
    ("version", "time", "wrong"),
    [
        ("v1", -0.1, True),  # nobody had seen any pointer
        ("v1", 0.0, False),
        ("v1", 9.99, False),
        ("v1", 10.99, False),  # within the second
        ("v1", 11.01, True),  # a flip that did not take
        ("v1", 60.0, True),
        ("v2", 9.9, True),  # before anybody can have known
        ("v2", 10.0, False),
        ("v2", 99.0, False),
        ("v3", 5.0, True),
    ],
)
def test_versions_are_right_when_their_pointer_named_them(version: str, time: float, wrong: bool) -> None:
    assert judged(FLIP, ("champion", version, time)) == [wrong]


def test_a_reign_begins_with_the_first_who_saw_it_and_ends_with_the_next() -> None:
    begins = [("v1", BEGIN, BEGIN + 10 * SECOND), ("v2", BEGIN + 10 * SECOND, stamps._NEVER)]
    assert stamps.reigns(FLIP, "champion") == [stamps.Reign(*reign) for reign in begins]


def test_there_and_back() -> None:
    records = [applied("v1", 0.0), applied("v2", 10.0), applied("v1", 20.0)]
    got = judged(records, ("champion", "v1", 12.0), ("champion", "v2", 12.0), ("champion", "v1", 22.0))
    assert got == [True, False, False]


def test_a_trial_follows_its_own_pointer_and_ends() -> None:
    records = [*FLIP, applied("v2", 3.0, pointer="trial"), applied(None, 5.0, pointer="trial")]
    got = judged(records, ("trial", "v2", 4.0), ("trial", "v2", 5.5), ("trial", "v2", 7.0), ("champion", "v2", 4.0))
    assert got == [False, False, True, True]
    assert judged(records, ("challenger", "v2", 4.0)) == [True]


def test_a_refused_version_never_reigned() -> None:
    assert judged([applied("v1", 0.0), applied("v2", 2.0, event="refused")], ("champion", "v2", 3.0)) == [True]


def test_another_digest_is_wrong() -> None:
    good = made(("champion", "v1", 1.0))
    history = {"champion": stamps.reigns(FLIP, "champion")}
    assert not stamps.wrong(good, history, DIGESTS).any()
    assert stamps.wrong(replace(good, digest=np.array(["cd" * 32])), history, DIGESTS).all()
    assert stamps.wrong(good, history, {"v2": DIGESTS["v2"]}).all(), "a version that nobody knows the files of"


def test_without_any_audit_everything_is_wrong() -> None:
    assert judged([], ("champion", "v1", 1.0)) == [True]
