"""Regression tests and back-tests of candidates, each in a process of its own beside the monitor.

One runs at a time. What it found comes back as a command of the monitor to itself, so that it is in the state with the
tick at which it was known; a monitor that was killed begins the step anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

from monitor.candidacy import REPORT
from monitor.commands import Command
from monitor.judge.candidates.candidate import Candidate
from monitor.judge.candidates.check import Check
from monitor.judge.candidates.kept import Kept
from monitor.judge.candidates.register import MONITOR
from monitor.judge.candidates.states import State
from monitor.judge.wording import number
from monitor.settings import MonitorSettings

LOGGER = logging.getLogger(__name__)

STATES: tuple[State, ...] = ("submitted", "regression-tested")
"""States whose step is made here."""

AGAIN_SECONDS = 600.0
"""How soon an examination that could not be made is made again."""

SAID = 2_000
"""So many characters of what went wrong are told."""


@dataclass(slots=True)
class _Running:
    one: Candidate
    state: State
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]
    until: float


class Examining:
    """For one thread, which no method holds up: a process is begun, looked at, and at last killed."""

    def __init__(self, settings: MonitorSettings, margins: Mapping[str, float]) -> None:
        self._settings, self._margins = settings, margins
        self._coefficients = settings.monitor.requirements.absolute().parent
        self._folder = settings.monitor.state_directory.absolute() / "candidates"
        self._running: _Running | None = None
        self._again: dict[tuple[str, str], float] = {}
        self._tries = 0

    def work(self, kept: Kept, now: float) -> list[Command]:
        """Go on; what was found since the last call. ``now`` is the steady clock's reading."""
        if self._running is not None:
            return self._look(self._running, kept, now)
        for one in kept.register.open:
            key = (one.id, one.state)
            if one.state in STATES and key not in kept.reports and now >= self._again.get(key, 0.0):
                try:
                    wrong = self._misfit(one)
                    if wrong is not None:
                        return [self._report(one, one.state, [wrong])]
                    self._begin(one, now)
                except OSError as error:
                    self._later(one, one.state, str(error), now)
                break
        return []

    def close(self) -> None:
        """Kill what runs: the next monitor begins it anew."""
        if self._running is not None:
            self._end(self._running)

    def _misfit(self, one: Candidate) -> Check | None:
        """Why the files beside the requirements are not this version; ``None`` where they are."""
        manifest = self._coefficients / one.version / "manifest.json"
        try:
            digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
        except FileNotFoundError:
            return Check(
                "files", "failed", f"{manifest} is not there: a candidate's files and cases lie beside the others"
            )
        if digest != one.digest:
            return Check("files", "failed", f"{manifest} has the digest {digest}, and {one.digest} was submitted")
        return None

    def _begin(self, one: Candidate, now: float) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        asked = self._settings.candidates
        limits = [str(round(asked.step_gigabytes * 2**30)), str(os.getpid())]
        words = self._regression(one) if one.state == "submitted" else self._backtest(one)
        out, err = ((self._folder / f"{one.id}.{name}").open("w+b") for name in ("json", "log"))
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.limited", *limits, sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err,
        )  # fmt: skip
        LOGGER.info(
            "candidate %s: %s begins", one.version, "regression test" if one.state == "submitted" else "back-test"
        )
        self._running = _Running(one, one.state, process, out, err, now + asked.step_minutes * 60.0)

    def _regression(self, one: Candidate) -> list[str]:
        return ["scorer.cli", "models", "test", str(self._coefficients / one.version), "--json"]

    def _backtest(self, one: Candidate) -> list[str]:
        asked, scorer = self._settings.candidates, self._settings.scorer
        found = {
            "--model": scorer.model,
            "--versions": f"{one.against},{one.version}",
            "--corpus": str(None if asked.corpus is None else asked.corpus.absolute()),
            "--by": asked.corpus_by,
            "--label": asked.corpus_label,
            "--time": asked.corpus_time or scorer.time_field or "",
            "--coefficients": str(self._coefficients.parent),
            "--requirements": str(self._settings.monitor.requirements.absolute()),
            "--state": str(self._folder / "backtests"),
            "--html": str(self._folder / f"backtest-{one.id}-{one.version}.html"),
        }
        return ["monitor.cli", "backtest", *(word for pair in found.items() if pair[1] for word in pair), "--json"]

    def _look(self, running: _Running, kept: Kept, now: float) -> list[Command]:
        one, state, code = running.one, running.state, running.process.poll()
        present = kept.register.of.get(one.id)
        if present is None or present.state != state or present.against != one.against:
            self._end(running)  # it has gone on, or is compared with another champion
            return []
        if code is None:
            if now < running.until:
                return []
            self._end(running)
            text = f"it has taken more than candidates.step_minutes = {self._settings.candidates.step_minutes:g}"
            return [self._report(one, state, [Check("time", "failed", text)])]
        running.out.seek(0)
        running.err.seek(0)
        said, wrong = running.out.read(), running.err.read().decode("utf-8", "replace").strip()[-SAID:]
        self._end(running)
        try:
            facts = json.loads(said)
            checks = regression(facts) if state == "submitted" else backtest(facts, one.version, self._margins)
        except (ValueError, LookupError, TypeError):
            self._later(one, state, wrong or f"it ended with exit code {code}", now)
            return []
        return [self._report(one, state, checks)]

    def _later(self, one: Candidate, state: State, why: str, now: float) -> None:
        """What could not be made says nothing about the candidate."""
        LOGGER.error("candidate %s, %s: could not be examined, and is again in %g s: %s", one.version, state,
                     AGAIN_SECONDS, why)  # fmt: skip
        self._again[one.id, state] = now + AGAIN_SECONDS

    def _report(self, one: Candidate, state: State, checks: Sequence[Check]) -> Command:
        self._tries += 1
        payload: dict[str, Any] = {"id": one.id, "state": state, "checks": [asdict(check) for check in checks]}
        name = f"report/{one.id}-{len(one.history)}-{os.getpid()}-{time.monotonic_ns()}-{self._tries}"
        return Command(name, REPORT, MONITOR, "what was found out beside", None, payload)

    def _end(self, running: _Running) -> None:
        self._running = None
        running.process.kill()
        running.process.wait()
        running.out.close()
        running.err.close()


def regression(facts: Mapping[str, Any]) -> list[Check]:
    """What ``scorer models test --json`` says of one version."""
    (version,) = facts["versions"]
    if facts["ok"] is True:
        return [Check("regression test", "passed", "golden rows, cases and sample come out as written")]
    why = version.get("error") or json.dumps(version, ensure_ascii=False)
    return [Check("regression test", "failed", why[:SAID])]


LOSSES = {"accuracy": "wrong", "mae": "distance"}
"""What a back-test calls the loss of a metric, where it is not by its name."""


def backtest(facts: Mapping[str, Any], version: str, margins: Mapping[str, float]) -> list[Check]:
    """What ``monitor backtest --json`` says of a version beside the first: it must not be worse than its margin for
    sure, nor FAIL a guarded requirement over the whole corpus that the first keeps."""
    whole, found = facts["whole"], []
    least = {LOSSES.get(name, name): margin for name, margin in margins.items()}
    for one in whole["differences"]:
        margin = least.get(one["loss"].split()[0])
        if one["version"] != version or margin is None or one["low"] is None or one["high"] is None:
            continue
        text = f"less by {number(one['value'])} ({number(one['low'])} to {number(one['high'])}), at least {margin:g}"
        standing = one["high"] >= margin
        found.append(Check(f"back-test {one['loss']}", "passed" if standing else "failed", text, {"pairs": one["n"]}))
    first, own = (
        {one["version"]: one["rows"] for one in whole["versions"]}[name] for name in (facts["versions"][0], version)
    )
    kept = {(one["requirement"], str(one["segment"])) for one in first if one["verdict"] != "FAIL"}
    for one in own:
        if one["guarded"] and one["verdict"] == "FAIL" and (one["requirement"], str(one["segment"])) in kept:
            found.append(
                Check(f"back-test {one['name']}", "failed", f"{one['bounds']}, and it is {number(one['value'])}")
            )
    return found or [Check("back-test", "passed", f"{facts['rows']:,} rows; no loss is compared")]
