"""logistic@1: probabilities of classes from weighted sums.

Binary: ``score = 1 / (1 + exp(-m))`` with the margin ``m`` of linear@1, the probability of the second class.
Multinomial: ``score[k] = exp(m[k] - max m) / sum of these``. Tensors: ``coef`` float64 ``(margins, columns)``,
``intercept`` float64 ``(margins,)``; one margin for two classes, else one per class. No missing values, as in
linear@1.

Equal, up to the order of the sum, to ``predict_proba`` of scikit-learn's LogisticRegression.
"""

from __future__ import annotations

from dataclasses import dataclass

from scorer.batch import Floats
from scorer.model.kernels.linear import emit_sums, sums
from scorer.model.kernels.links import LINKS, emit_link, link_reference
from scorer.model.limits import Limits
from scorer.model.outputs import PROBABILITY, Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "logistic@1"


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """The kernel as a version gives it."""

    given: Given
    coef: Floats
    intercept: Floats
    link: str

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> Logistic:  # noqa: ARG003 - all kernels are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["coef", "intercept"])
        if outputs.meaning != PROBABILITY:
            raise given.refused("makes probabilities, so outputs must be of kind binary or multiclass")
        coef = given.floats("coef", outputs.count, len(given.inputs))
        return cls(given, coef, given.floats("intercept", outputs.count), LINKS[outputs.kind])

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the first score."""
        first = emit_sums(program, self.given, self.coef, self.intercept)
        emit_link(program, self.given, self.link, first, len(self.intercept))
        return first

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""
        return link_reference(self.link, sums(prepared, self.given, self.coef, self.intercept))
