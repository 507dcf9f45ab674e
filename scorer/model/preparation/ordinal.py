"""ordinal@1: a category becomes its position in the list of known categories.

``out = k where in is categories[k]``, as float64, for one input column. Parameters: ``categories``, a list;
``unknown``, the number for a category that is not in it, which also sets the flag UNSEEN; ``missing``, the number for
no value. Both may be the string ``"NaN"``, which later steps and kernels treat as missing.

Equal to scikit-learn's OrdinalEncoder(handle_unknown="use_encoded_value") with its ``unknown_value`` and
``encoded_missing_value``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import MISSING_CODE, ORDINAL, UNSEEN_CODE
from scorer.model.preparation.lookup import codes, emit_lookup
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "ordinal@1"


@dataclass(frozen=True, slots=True, eq=False)
class Ordinal:
    """The step as a version gives it."""

    given: Given
    categories: tuple[str, ...]
    unknown: float
    missing: float

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Ordinal:
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["categories", "missing", "unknown"], [])
        if len(given.inputs) != 1 or len(given.outputs) != 1:
            raise given.refused("takes one column and makes one")
        numbers = [given.params[name].any_number() for name in ("unknown", "missing")]
        if np.isinf(numbers).any():
            raise given.refused("'unknown' and 'missing' must be finite or NaN")
        return cls(given, given.category_list("categories", limits), *numbers)

    def emit(self, program: Program) -> None:
        """Write one lookup and one operation."""
        code, may_be_missing = emit_lookup(program, self.given, self.categories)
        unknown_or_missing = program.floats(np.array([self.unknown, self.missing]))
        gaps = bool(np.isnan(self.unknown)) or (may_be_missing and bool(np.isnan(self.missing)))
        program.op(ORDINAL, program.make(self.given.outputs[0], may_be_missing=gaps), code, unknown_or_missing)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        code = codes(prepared, self.given, self.categories)
        known = np.where(code == MISSING_CODE, self.missing, code)
        prepared.numbers[self.given.outputs[0]] = np.where(code == UNSEEN_CODE, self.unknown, known)


@inlined
def ordinal(registers: Floats, target: int, source: int, unknown: float, missing: float, width: int) -> None:
    """The operation ORDINAL on the first ``width`` rows of a block."""
    for j in range(width):
        code = registers[source + j]
        registers[target + j] = unknown if code == UNSEEN_CODE else missing if code == MISSING_CODE else code
