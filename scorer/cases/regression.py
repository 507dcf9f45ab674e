"""The regression test of one version: production code, production coefficients, rows with known outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scorer.cases import comparing, sample
from scorer.cases.comparing import Difference
from scorer.cases.folder import Folder
from scorer.cases.form import Case
from scorer.errors import RegressionFailed
from scorer.model import version
from scorer.model.model import Model
from scorer.quality.judge import Verdict, judge
from scorer.quality.requirement import check
from scorer.registry.files import read_version

_LEAST_LABELS = 1
"""A sample is judged as it is: it does not change, so there is no chance to allow for."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One kind of cases: how many there are, what differs, the largest difference from an expected score."""

    name: str
    cases: int
    differences: tuple[Difference, ...]
    largest: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a test. ``rows`` of the sample were judged; ``None``: there was nothing to judge."""

    directory: Path
    model: Model
    suites: tuple[Suite, ...]
    verdicts: tuple[Verdict, ...]
    rows: int | None

    @property
    def differences(self) -> list[Difference]:
        """Everything that is not as expected."""
        return [one for suite in self.suites for one in suite.differences]

    @property
    def missed(self) -> list[Verdict]:
        """Requirements that are not met, or of which the sample shows nothing; not those nobody relies on, nor those of
        the service, which the monitor judges."""
        return [one for one in self.verdicts if one.verdict != "PASS" and one.requirement.guarded and one.applies]

    @property
    def passed(self) -> bool:
        """Whether nothing differs and every requirement is met."""
        return not self.differences and not self.missed


def run_cases(directory: Path) -> Report:
    """Run golden rows, contrived cases and outliers. The sample must be there, but is not read.

    Raises ``VersionRefused`` where the version cannot be loaded, ``RegressionFailed`` where its cases cannot be.
    """
    model, folder = _model(directory), Folder(directory)
    contrived, outliers = folder.read(model)
    return _report(directory, model, contrived, outliers, (), None)


def run(directory: Path) -> Report:
    """The whole test: every case, and the requirements on the labelled sample.

    Raises like :func:`run_cases`, and ``SettingsError`` where the requirements make no sense.
    """
    model, folder = _model(directory), Folder(directory)
    contrived, outliers = folder.read(model)
    if not folder.requirements.is_file():
        return _report(directory, model, contrived, outliers, (), None)
    required = folder.read_requirements()
    check(required, str(folder.requirements), sample.kind(model), model.classes, sample.scale(model))
    table = sample.score(model, sample.read(folder.sample), required, str(folder.sample))
    return _report(
        directory, model, contrived, outliers, judge(required, table, least_labels=_LEAST_LABELS), len(table)
    )


def require(report: Report) -> None:
    """Raise ``RegressionFailed`` that names what differs first, unless the test passed."""
    if report.passed:
        return
    found = [f"{one.case.name}: {one.field}: expected {one.expected}, got {one.got}" for one in report.differences]
    found += [one.text for one in report.missed]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise RegressionFailed(
        f"{report.directory} does not pass its regression test: {found[0]}{more}; see: "
        f"scorer models test {report.directory}"
    )


def _model(directory: Path) -> Model:
    """The version, checked but for its golden rows, which are compared field by field like other cases."""
    return Model(version.load(read_version(directory)))


def _report(
    directory: Path,
    model: Model,
    contrived: Sequence[Case],
    outliers: Sequence[Case],
    verdicts: Sequence[Verdict],
    rows: int | None,
) -> Report:
    named = {"golden": comparing.golden_cases(model), "contrived": contrived, "outliers": outliers}
    suites = []
    for name, cases in named.items():
        compared = comparing.compare(model, cases)
        suites.append(Suite(name, len(cases), compared.differences, compared.largest))
    return Report(directory, model, tuple(suites), tuple(verdicts), rows)
