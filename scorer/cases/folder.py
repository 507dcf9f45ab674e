"""The files of a version's regression test: ``cases/contrived.json``, ``outliers.json`` and ``sample.parquet``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scorer.cases import form
from scorer.cases.form import Case
from scorer.errors import RegressionFailed, SettingsError, VersionRefused
from scorer.model.model import Model
from scorer.quality import requirements
from scorer.quality.requirement import Requirement
from scorer.registry import whole

FOLDER = "cases"
CONTRIVED = "contrived.json"
OUTLIERS = "outliers.json"
SAMPLE = "sample.parquet"
REQUIREMENTS = "requirements.toml"

_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of the version in ``version`` are."""

    version: Path

    @property
    def contrived(self) -> Path:
        """Rows that somebody thought of."""
        return self.version / FOLDER / CONTRIVED

    @property
    def outliers(self) -> Path:
        """Rows that were met in operation."""
        return self.version / FOLDER / OUTLIERS

    @property
    def sample(self) -> Path:
        """Raw rows with labels."""
        return self.version / FOLDER / SAMPLE

    @property
    def requirements(self) -> Path:
        """What all versions of the model must reach."""
        return self.version.resolve().parent / REQUIREMENTS

    def read_requirements(self) -> tuple[Requirement, ...]:
        """The requirements. Raises ``SettingsError`` where the file cannot be read, or makes no sense."""
        try:
            text = self.requirements.read_text("utf-8-sig")
        except OSError as error:
            raise SettingsError(f"{self.requirements}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise SettingsError(f"{self.requirements}: is not TOML in UTF-8: {error}") from None
        return requirements.parse(text, str(self.requirements))

    def require(self) -> None:
        """Raise ``RegressionFailed`` where there is nothing to test a version by."""
        if not self.contrived.is_file():
            raise RegressionFailed(
                f"{self.version} has no cases: write {self.contrived} with at least one raw row whose outcome you "
                "understand (docs/regression-tests.md shows one), then run: scorer models test"
            )
        if self.requirements.is_file() and not self.sample.is_file():
            raise RegressionFailed(
                f"{self.version} has no labelled sample: write {self.sample}, with a column for each input and a "
                f"column label, because {self.requirements} says what must be reached on it"
            )

    def read(self, model: Model) -> tuple[list[Case], list[Case]]:
        """The contrived cases, at least one, and the outliers, if there are any. Raises ``RegressionFailed``."""
        self.require()
        contrived = self._read(self.contrived, model)
        if not contrived:
            raise RegressionFailed(f"{self.contrived} has no case: write at least one row whose outcome you understand")
        return contrived, self.read_outliers(model)

    def read_outliers(self, model: Model) -> list[Case]:
        """The outliers; none where there is no such file. Raises ``RegressionFailed``."""
        return self._read(self.outliers, model) if self.outliers.exists() else []

    def write_outliers(self, cases: list[Case], model: Model) -> None:
        """Replace the outliers at once.

        Raises ``SettingsError`` where they could not be read again, ``OSError`` where the disk refuses.
        """
        data = form.write(cases, model.inputs)
        try:
            form.read(data, model.inputs, model.n_outputs, OUTLIERS, sourced=True)
        except VersionRefused as error:
            raise SettingsError(f"nothing is written, for it would be no case: {error}") from None
        self.outliers.parent.mkdir(exist_ok=True)
        whole.write(self.outliers, [data], rights=0o644)

    def _read(self, file: Path, model: Model) -> list[Case]:
        try:
            with file.open("rb") as stream:
                data = stream.read(_LARGEST + 1)
        except OSError as error:
            raise RegressionFailed(f"{file} cannot be read: {error.strerror}") from None
        if len(data) > _LARGEST:
            raise RegressionFailed(f"{file} has more than {_LARGEST} bytes")
        try:
            return form.read(data, model.inputs, model.n_outputs, str(file), sourced=file == self.outliers)
        except VersionRefused as error:
            raise RegressionFailed(str(error)) from None
