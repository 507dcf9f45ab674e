"""one_hot@1: a category becomes one column of 0 and 1 per known category.

``out[k] = 1 if in is categories[k], else 0``, for one input column. Parameters: ``categories``, a list; ``drop``, one
of them, which gets no column, or null; ``missing``: ``"zeros"`` makes a missing value all zeros, ``"column"`` adds a
last column that is 1 where it is missing. An unknown category is all zeros and sets the flag UNSEEN, so with ``drop``
it looks like the dropped one.

Equal to scikit-learn's OneHotEncoder(handle_unknown="ignore"), where a fitted category None is ``"column"``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import MISSING_CODE, ONE_HOT
from scorer.model.preparation.lookup import codes, emit_lookup
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "one_hot@1"


@dataclass(frozen=True, slots=True, eq=False)
class OneHot:
    """The step as a version gives it; ``shown[i]`` is the code of the category that output ``i`` stands for."""

    given: Given
    categories: tuple[str, ...]
    shown: tuple[int, ...]

    @classmethod
    def read(cls, given: Given, limits: Limits) -> OneHot:
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["categories", "drop", "missing"], [])
        if len(given.inputs) != 1:
            raise given.refused("takes exactly one column")
        categories = given.category_list("categories", limits)
        shown = list(range(len(categories)))
        drop = given.params["drop"]
        if drop.value is not None:
            shown.remove(categories.index(drop.one_of(*categories)))
        if given.params["missing"].one_of("zeros", "column") == "column":
            shown.append(MISSING_CODE)
        if len(given.outputs) != len(shown):
            raise given.refused(f"must make {len(shown)} columns, not {len(given.outputs)}")
        return cls(given, categories, tuple(shown))

    def emit(self, program: Program) -> None:
        """Write one lookup and one operation per output."""
        code, _ = emit_lookup(program, self.given, self.categories)
        for shown, made in zip(self.shown, self.given.outputs, strict=True):
            program.op(ONE_HOT, program.make(made, may_be_missing=False), code, shown)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        code = codes(prepared, self.given, self.categories)
        for shown, made in zip(self.shown, self.given.outputs, strict=True):
            prepared.numbers[made] = np.where(code == shown, 1.0, 0.0)


@inlined
def one_hot(registers: Floats, target: int, source: int, shown: int, width: int) -> None:
    """The operation ONE_HOT on the first ``width`` rows of a block."""
    code = np.float64(shown)
    for j in range(width):
        registers[target + j] = 1.0 if registers[source + j] == code else 0.0
