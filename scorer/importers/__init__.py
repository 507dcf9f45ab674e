"""From a model in the library that trained it to a version: the only room that knows training libraries."""

from __future__ import annotations

from scorer.importers.importing import Imported, import_model
from scorer.importers.proof import Difference

__all__ = ["Difference", "Imported", "import_model"]
