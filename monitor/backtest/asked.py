"""What a back-test is asked, and what is counted for it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from monitor.stats.layout import Layout
from scorer.errors import SettingsError
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.requirement import Requirement, Window
from scorer.quality.requirements import parse
from scorer.quality.table import Kind, Scale
from scorer.quality.written import to_toml

CLIP: Final = 1e-6
"""Beyond which a log loss that is compared counts no more."""

WINDOWS: Final = get_args(Window)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the scores of all versions of a back-test mean; see ``scorer.quality.table``."""

    kind: Kind
    classes: tuple[str, ...]
    scale: Scale


@dataclass(frozen=True, slots=True)
class Asked:
    """``by`` is a window, or the name of a field. ``label`` and ``time`` are columns. The first of the ``versions`` is
    the one that the others are compared with."""

    model: str
    versions: tuple[str, ...]
    outputs: Outputs
    requirements: tuple[Requirement, ...]
    by: str
    label: str
    time: str | None
    alpha: float

    def __post_init__(self) -> None:
        """Raise SettingsError where it cannot be done."""
        if len(set(self.versions)) != len(self.versions):
            raise SettingsError(f"--versions names one twice: {', '.join(self.versions)}")
        if self.time is None and self.by in WINDOWS:
            raise SettingsError(f"--by {self.by} needs the event times: name their column with --time")
        if self.time is None and any(one.season for one in self.judged):
            raise SettingsError("a requirement has a season, which needs event times: name their column with --time")

    @property
    def judged(self) -> tuple[Requirement, ...]:
        """The requirements that rows of a corpus can be judged by."""
        return tuple(one for one in self.requirements if one.metric.name not in (*OPERATIONAL, "ndcg"))

    @property
    def passed_over(self) -> tuple[Requirement, ...]:
        """The others: those on the service, and on lists, which may be spread over files."""
        return tuple(one for one in self.requirements if one not in self.judged)

    @property
    def seasonal(self) -> bool:
        """Whether some requirement holds in some months only."""
        return any(one.season for one in self.judged)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields by which requirements tell rows apart."""
        return tuple(sorted({segments.field for one in self.judged for segments in one.segments}))

    @property
    def layout(self) -> Layout:
        """What is counted of each version."""
        return Layout.of(self.judged, self.outputs.kind, self.outputs.classes, self.outputs.scale)

    @property
    def compared(self) -> Layout:
        """The losses that are compared, among others."""
        return Layout(self.outputs.kind, self.outputs.classes, self.outputs.scale, clips=(CLIP,))

    @property
    def losses(self) -> tuple[str, ...]:
        """The names of the losses that are compared, as ``compared`` has them; the first is that of the decision."""
        if self.outputs.kind == "regression":
            return ("distance", "error 2")
        return ("wrong", *(("brier", f"log_loss {CLIP!r}") if self.outputs.scale == "probability" else ()))

    def plain(self) -> dict[str, object]:
        """All of it as what another process can be handed."""
        return {
            "model": self.model,
            "versions": self.versions,
            "outputs": (self.outputs.kind, self.outputs.classes, self.outputs.scale),
            "requirements": to_toml(self.requirements, ""),
            "by": self.by,
            "label": self.label,
            "time": self.time,
            "alpha": self.alpha,
        }

    @staticmethod
    def of_plain(facts: Mapping[str, Any]) -> Asked:
        """What :meth:`plain` gave."""
        outputs, requirements = Outputs(*facts["outputs"]), parse(facts["requirements"], "the requirements")
        return Asked(**{**facts, "outputs": outputs, "requirements": requirements})

    def identity(self, digests: Sequence[str], files: Sequence[Sequence[object]]) -> str:
        """A name for this back-test of these versions on these files: what is kept under it can be gone on with."""
        facts = [self.plain(), list(digests), list(map(list, files))]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
