"""encode@1: a category becomes numbers that the version holds for it.

``out[i] = values[i, k]`` where ``in`` is ``categories[k]``, for one input column and as many outputs as wanted.
A text column gives its categories as the parameter ``categories``, a list; a numeric one as the tensor ``categories``
float64 ``(n,)``, increasing. Tensor ``values`` float64 ``(outputs, n)``; several categories may share a value.

Parameter ``unknown`` says what any other category becomes, which also sets the flag UNSEEN: ``"value"``, the tensor
``unknown`` float64 ``(outputs,)``; ``"missing"``, no value; ``"refuse"``, the row cannot be scored. Parameter
``missing`` says what no value becomes: ``"value"``, the tensor ``missing`` float64 ``(outputs,)``; ``"missing"``, no
value; ``"unknown"``, the same as an unknown category, with the flags IMPUTED and UNSEEN.

Equal to scikit-learn's OrdinalEncoder and TargetEncoder; followed by indicators@1 to its OneHotEncoder. Infrequent
categories share the value of their group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import inlined
from scorer.model.limits import Limits
from scorer.model.ops import MISSING_CODE, REFUSE_CODE, TAKE, UNSEEN_CODE
from scorer.model.preparation.lookup import codes, emit_find, emit_lookup, positions
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "encode@1"

_SPECIAL = 2
"""Values before those of the categories: that of MISSING_CODE, then that of UNSEEN_CODE."""


@dataclass(frozen=True, slots=True, eq=False)
class Encode:
    """The step as a version gives it; ``table`` ``(outputs, 2 + n)`` has the values of every code from -2 on."""

    given: Given
    words: tuple[str, ...]
    numbers: Floats
    table: Floats
    unknown: str
    missing: str

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Encode:
        """Check what the version gives. Raises ``VersionRefused``."""
        text = "categories" in given.params
        if not {"missing", "unknown"} <= set(given.params):
            raise given.refused("params 'missing' and 'unknown' must be given")
        unknown = given.params["unknown"].one_of("value", "missing", "refuse")
        missing = given.params["missing"].one_of("value", "missing", "unknown")
        roles = [role for role, choice in (("unknown", unknown), ("missing", missing)) if choice == "value"]
        params = ["missing", "unknown", *(["categories"] if text else [])]
        given.expect(params, ["values", *roles, *([] if text else ["categories"])])
        if len(given.inputs) != 1:
            raise given.refused("takes exactly one column")
        words = given.category_list("categories", limits) if text else ()
        numbers = np.zeros(0) if text else _increasing(given, limits)
        outputs, count = len(given.outputs), len(words) or len(numbers)
        table = np.full((outputs, _SPECIAL + count), np.nan)
        table[:, _SPECIAL:] = given.floats("values", outputs, count)
        if unknown == "value":
            table[:, 1] = given.floats("unknown", outputs)
        if missing == "value":
            table[:, 0] = given.floats("missing", outputs)
        return cls(given, words, numbers, table, unknown, missing)

    def emit(self, program: Program) -> None:
        """Write one lookup, the refusal if there is one, and one operation per output."""
        fill = UNSEEN_CODE if self.missing == "unknown" else MISSING_CODE
        if self.words:
            code, gaps = emit_lookup(program, self.given, self.words, fill)
        else:
            code, gaps = emit_find(program, self.given, self.numbers, fill)
        if self.unknown == "refuse":
            why = "its value did not occur in the training data, and the version has no number for such a one"
            program.op(REFUSE_CODE, code, UNSEEN_CODE, program.refusal(self.given.inputs[0], why))
        none = self.unknown == "missing" or (gaps and self.missing == "missing")
        for made, values in zip(self.given.outputs, self.table, strict=True):
            at = program.floats(values) + _SPECIAL
            program.op(TAKE, program.make(made, may_be_missing=none), code, at)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        fill = UNSEEN_CODE if self.missing == "unknown" else MISSING_CODE
        if self.words:
            code = codes(prepared, self.given, self.words, fill)
        else:
            code = positions(prepared, self.given, self.numbers, fill)
        if self.unknown == "refuse":
            prepared.refuse(code == UNSEEN_CODE)
        for made, values in zip(self.given.outputs, self.table, strict=True):
            prepared.numbers[made] = values[code.astype(np.int64) + _SPECIAL]


def _increasing(given: Given, limits: Limits) -> Floats:
    shape = given.tensors["categories"].shape[:1]
    if not shape or not 1 <= shape[0] <= limits.categories:
        raise given.refused(f"must have 1 to {limits.categories} categories")
    numbers = given.floats("categories", *shape)
    if not (numbers[1:] > numbers[:-1]).all():
        raise given.refused("tensor 'categories' does not increase")
    return numbers


@inlined
def take(registers: Floats, target: int, source: int, floats: Floats, at: int, width: int) -> None:
    """The operation TAKE on the first ``width`` rows of a block: ``floats[at]`` belongs to code 0."""
    for j in range(width):
        registers[target + j] = floats[at + int(registers[source + j])]


@inlined
def refuse_code(registers: Floats, source: int, code: int, refusal: int, missing: Int64s, width: int) -> None:
    """The operation REFUSE_CODE on the first ``width`` rows of a block."""
    for j in range(width):
        if registers[source + j] == code and missing[j] < 0:
            missing[j] = refusal
