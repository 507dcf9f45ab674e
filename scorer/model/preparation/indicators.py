"""indicators@1: a code becomes columns of 0 and 1, one for each code that is asked for.

``out[i] = 1 if in == codes[i], else 0``, for one input column, which has codes from encode@1 or bins@1; a missing
value is 0 in all. Tensor ``codes`` int32 ``(outputs,)``, all different.

Equal, after encode@1, to scikit-learn's OneHotEncoder, whose dropped category is a code that is not asked for; after
bins@1 to KBinsDiscretizer(encode="onehot").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Int32s
from scorer.model.limits import Limits
from scorer.model.ops import ONE_HOT
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "indicators@1"


@dataclass(frozen=True, slots=True, eq=False)
class Indicators:
    """The step as a version gives it."""

    given: Given
    codes: Int32s

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Indicators:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["codes"])
        if len(given.inputs) != 1:
            raise given.refused("takes exactly one column")
        codes = given.tensor("codes", "int32", (len(given.outputs),))
        if len(np.unique(codes)) != len(codes):
            raise given.refused("a code occurs twice in tensor 'codes'")
        return cls(given, codes)

    def emit(self, program: Program) -> None:
        """Write one operation per output."""
        source = program.number(self.given.inputs[0], self.given).register
        for code, made in zip(self.codes.tolist(), self.given.outputs, strict=True):
            program.op(ONE_HOT, program.make(made, may_be_missing=False), source, code)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        column = prepared.numbers[self.given.inputs[0]]
        for code, made in zip(self.codes, self.given.outputs, strict=True):
            prepared.numbers[made] = np.where(column == code, 1.0, 0.0)
