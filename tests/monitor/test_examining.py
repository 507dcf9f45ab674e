"""What a regression test and a back-test say, as checks of a candidate."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.examining import backtest, regression
from monitor.judge.candidates.check import together


def difference(loss: str, value: float, low: float, high: float, version: str = "b") -> dict[str, Any]:
    return {"version": version, "loss": loss, "value": value, "low": low, "high": high, "n": 50}


def row(verdict: str, guarded: bool = True, segment: list[str] | None = None) -> dict[str, Any]:
    return {"requirement": "brier//month", "name": "brier", "bounds": "at most 0.2", "verdict": verdict,
            "guarded": guarded, "segment": segment, "value": 0.3}  # fmt: skip


def said(*differences: dict[str, Any], first: str = "PASS", own: str = "PASS", guarded: bool = True) -> dict[str, Any]:
    rows = [{"version": name, "rows": [row(what, guarded)]} for name, what in (("a", first), ("b", own))]
    return {"versions": ["a", "b"], "rows": 100, "whole": {"differences": list(differences), "versions": rows}}


@pytest.mark.parametrize(
    ("facts", "margins", "standing"),
    [
        (said(difference("brier", 0.1, 0.05, 0.15)), {"brier": 0.0}, "passed"),
        (said(difference("brier", 0.0, -0.05, 0.05)), {"brier": 0.0}, "passed"),
        (said(difference("brier", -0.1, -0.15, -0.05)), {"brier": 0.0}, "failed"),
        (said(difference("brier", -0.1, -0.15, -0.05)), {"brier": -0.1}, "passed"),
        (said(difference("brier", 0.1, 0.05, 0.15)), {"brier": 0.2}, "failed"),
        (said(difference("brier", -0.1, -0.15, -0.05, "c")), {"brier": 0.0}, "passed"),
        (said(difference("wrong", -0.1, -0.15, -0.05)), {"brier": 0.0}, "passed"),
        (said(difference("wrong", -0.1, -0.15, -0.05)), {"accuracy": 0.0}, "failed"),
        (said(difference("log_loss 1e-06", -0.1, -0.15, -0.05)), {"log_loss": 0.0}, "failed"),
        (said(own="FAIL"), {"brier": 0.0}, "failed"),
        (said(own="FAIL", first="FAIL"), {"brier": 0.0}, "passed"),
        (said(own="FAIL", guarded=False), {"brier": 0.0}, "passed"),
        (said(own="INSUFFICIENT"), {"brier": 0.0}, "passed"),
    ],
)
def test_a_back_test(facts: dict[str, Any], margins: dict[str, float], standing: str) -> None:
    assert together(backtest(facts, "b", margins)) == standing


def test_a_regression_test() -> None:
    assert together(regression({"ok": True, "versions": [{"ok": True}]})) == "passed"
    (failed,) = regression({"ok": False, "versions": [{"ok": False, "error": "the tensors are cut"}]})
    assert (failed.standing, failed.text) == ("failed", "the tensors are cut")
