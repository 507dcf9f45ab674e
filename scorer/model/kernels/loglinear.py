"""loglinear@1: a weighted sum whose logarithm is the estimate's.

``score = exp(intercept + in[0] * coef[0] + in[1] * coef[1] + …)``, the sum as in linear@1. Tensors: ``coef`` float64
``(1, columns)``, ``intercept`` float64 ``(1,)``. For regression: counts, amounts and other estimates above 0. No
missing values, as in linear@1.

Equal, up to the order of the sum, to ``predict`` of scikit-learn's PoissonRegressor, GammaRegressor and
TweedieRegressor with the link ``log``.
"""

from __future__ import annotations

from dataclasses import dataclass

from scorer.batch import Floats
from scorer.model.kernels.linear import emit_sums, sums
from scorer.model.kernels.links import emit_link, link_reference
from scorer.model.limits import Limits
from scorer.model.outputs import Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "loglinear@1"


@dataclass(frozen=True, slots=True, eq=False)
class LogLinear:
    """The kernel as a version gives it."""

    given: Given
    coef: Floats
    intercept: Floats

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> LogLinear:  # noqa: ARG003 - all kernels are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["coef", "intercept"])
        if outputs.kind != "regression":
            raise given.refused(f"makes an estimate, so it cannot serve outputs of kind {outputs.kind}")
        return cls(given, given.floats("coef", 1, len(given.inputs)), given.floats("intercept", 1))

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the score."""
        first = emit_sums(program, self.given, self.coef, self.intercept)
        emit_link(program, self.given, "exp", first, 1)
        return first

    def reference(self, prepared: Prepared) -> Floats:
        """The score of each row in plain numpy, ``(1, rows)``."""
        return link_reference("exp", sums(prepared, self.given, self.coef, self.intercept))
