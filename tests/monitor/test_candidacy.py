"""What anybody may write into Redis as a submission, and what the monitor makes of it."""

from __future__ import annotations

from typing import cast

import pytest

from monitor.candidacy import Candidacy
from monitor.commands import Command
from monitor.judge.candidates.kept import Kept
from monitor.judge.candidates.policy import Policy
from monitor.store.step import Step
from scorer.registry.instances import Json

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("version", "digest"),
    [
        ("v2", "no digest"), ("v2", "AB" * 32), ("v2", "ab" * 31), ("v2", 7), ("v2", None), (None, DIGEST), (7, DIGEST),
        ("../../etc", DIGEST), ("", DIGEST), ("a b", DIGEST), ("v2\n", DIGEST), ("\x00", DIGEST),
    ],
)  # fmt: skip
def test_a_submission_that_is_none_is_refused_and_changes_nothing(version: Json, digest: Json) -> None:
    candidacy = Candidacy(Kept(), Policy(margins={"brier": 0.0}), {}, lambda *_: None)
    command = Command("c1", "candidate submit", "ann", "", None, {"version": version, "digest": digest})
    answer = candidacy.handlers["candidate submit"](cast("Step", None), command, 1)
    assert not answer.done
    assert candidacy.kept == Kept()


@pytest.mark.parametrize(
    ("policy", "why"), [(Policy(), "candidates.margins"), (Policy(margins={"brier": 0.0}, corpus=False), "corpus")]
)
def test_without_a_metric_or_a_corpus_nobody_is_taken(policy: Policy, why: str) -> None:
    candidacy = Candidacy(Kept(), policy, {}, lambda *_: None)
    command = Command("c1", "candidate submit", "ann", "", None, {"version": "v2", "digest": DIGEST})
    answer = candidacy.handlers["candidate submit"](cast("Step", None), command, 1)
    assert (answer.done, why in answer.text) == (False, True)
