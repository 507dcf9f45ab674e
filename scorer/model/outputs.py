"""What the scores of a version mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scorer.model.canonical import Json, Reader
from scorer.model.limits import Limits

KINDS = ("regression", "binary", "multiclass")
PROBABILITY, MARGIN = "probability", "margin"


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the scores mean. ``classes`` is empty for a regression; in binary the score is that of the second.

    ``scale`` says whether the scores of classes are probabilities, or margins: any numbers of which more speaks for the
    class. ``threshold`` is what the score of the second of two classes must exceed for a row to be of it; ``None``
    where the scale says it all: 0.5 for a probability, 0 for a margin.
    """

    kind: str
    classes: tuple[str, ...] = ()
    scale: str = PROBABILITY
    threshold: float | None = None

    @property
    def count(self) -> int:
        """How many scores a row gets: one, or one per class where there are more than two."""
        return len(self.classes) if self.kind == "multiclass" else 1

    @property
    def meaning(self) -> str:
        """What each score is: ``"estimate"``, ``"probability"`` or ``"margin"``."""
        return "estimate" if self.kind == "regression" else self.scale

    @property
    def bound(self) -> float:
        """What the score of the second of two classes must exceed."""
        if self.threshold is not None:
            return self.threshold
        return 0.5 if self.scale == PROBABILITY else 0.0

    def to_json(self) -> dict[str, Json]:
        """As the manifest holds it: what is as usual is not said."""
        said: dict[str, Json] = {"kind": self.kind, "classes": list(self.classes)}
        if self.scale != PROBABILITY:
            said["scale"] = self.scale
        if self.threshold is not None:
            said["threshold"] = self.threshold
        return said

    @classmethod
    def read(cls, reader: Reader, limits: Limits) -> Outputs:
        """Read those of a manifest. Raises ``VersionRefused("manifest", ...)``."""
        said = [name for name in ("scale", "threshold") if isinstance(reader.value, dict) and name in reader.value]
        kind_reader, class_reader, *more = reader.fields("kind", "classes", *said)
        kind = kind_reader.one_of(*KINDS)
        low, high = {"regression": (0, 0), "binary": (2, 2), "multiclass": (3, limits.classes)}[kind]
        classes = tuple(entry.text() for entry in class_reader.items(low, high))
        if len(set(classes)) != len(classes):
            class_reader.refuse("classes that differ from each other")
        found = cls(kind, classes)
        for name, entry in zip(said, more, strict=True):
            found = found._with_scale(entry) if name == "scale" else found._with_threshold(entry)
        return found

    def _with_scale(self, reader: Reader) -> Outputs:
        if self.kind == "regression":
            reader.refuse("no scale, for an estimate has none")
        return replace(self, scale=reader.one_of(MARGIN))

    def _with_threshold(self, reader: Reader) -> Outputs:
        if self.kind != "binary":
            reader.refuse("no threshold, for only the second of two classes has one")
        if reader.number() == self.bound:
            reader.refuse("no threshold, for this one is meant anyhow")
        return replace(self, threshold=reader.number())
