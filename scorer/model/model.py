"""A model: a version compiled into tables, and bound to the columns that it reads."""

from __future__ import annotations

from itertools import chain
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from scorer.batch import Bytes, Columns, Field, Floats, Int32s, Int64s, Kind, Layout
from scorer.errors import VersionRefused
from scorer.model.combining import COMBINING
from scorer.model.evidence import NumberProfile
from scorer.model.inputs import Input
from scorer.model.kernels import KERNELS
from scorer.model.kernels.scored import Scored
from scorer.model.limits import DEFAULT, Limits
from scorer.model.ops import BLOCK, LOAD_INTEGER, STRIDE
from scorer.model.preparation import STEPS, Step
from scorer.model.program import Category, Given, Program, Refusal
from scorer.model.run import DONE, ROW_OUTSIDE, Fixed, framed, run
from scorer.model.version import Version

_KINDS = {
    "float64": (Kind.NUMBER, Kind.INTEGER),
    "int64": (Kind.INTEGER,),
    "category": (Kind.TEXT,),
}
"""The kinds of field that an input of each dtype takes."""

D = TypeVar("D", bound=np.generic)


class Model:
    """A version whose steps and kernel have been checked and compiled into tables.

    ``kind`` is ``"regression"``, ``"binary"`` or ``"multiclass"``; ``classes`` their names; ``n_outputs`` how many
    scores a row gets: the estimate, that of the second of two classes, or that of each class. ``scale`` says whether
    scores of classes are probabilities or margins.
    """

    def __init__(self, version: Version, limits: Limits = DEFAULT) -> None:
        """Compile ``version``. Raises ``VersionRefused`` with reason ``"pipeline"`` or ``"manifest"``."""
        manifest = version.manifest
        self.manifest = manifest
        self.digest = version.digest
        self.inputs = manifest.inputs
        self.kind = manifest.outputs.kind
        self.classes = manifest.outputs.classes
        self.scale = manifest.outputs.scale
        self.n_outputs = manifest.outputs.count
        self.steps: list[Step] = []
        for position, step in enumerate(manifest.pipeline):
            given = Given.of(step, f"pipeline[{position}]", version.tensors)
            self.steps.append(_read_step(given, limits))
        given = Given.of(manifest.kernel, "kernel", version.tensors)
        if given.name not in KERNELS:
            raise given.refused(f"this kernel is not known to this release; it has {', '.join(KERNELS)}")
        self.kernel = KERNELS[given.name].read(given, manifest.outputs, limits)
        program = Program(limits)
        for entry in self.inputs:
            program.load(entry, *self.range_of(entry))
        for prepared in self.steps:
            prepared.emit(program)
        first_score = self.kernel.emit(program)
        taken = set(chain.from_iterable(part.inputs for part in (*manifest.pipeline, manifest.kernel)))
        for name, column in program.columns.items():
            if isinstance(column, Category) and name not in taken:
                raise VersionRefused("pipeline", f"column {name!r} is a category that is used by no later step")
        self._slots = program.slots
        self._refusals = tuple(program.refusals)
        self._tables = program.tables(first_score, self.n_outputs)

    def bind(self, layout: Layout) -> BoundModel:
        """The model reading its inputs from columns of ``layout``, which may hold other fields too.

        Raises ``VersionRefused("inputs", ...)`` where an input is missing from the layout or of the wrong kind.
        """
        ops, words = self._tables.ops.copy(), self._tables.words.copy()
        for entry, slots in zip(self.inputs, self._slots, strict=True):
            field = _field_of(entry, layout)
            ops[slots, 2], ops[slots, 3] = field.slot, field.index
            if field.kind == Kind.INTEGER:
                ops[slots[0], 0] = LOAD_INTEGER
        words[:4] = layout.numbers, layout.integers, layout.spans, len(layout)
        tables = (ops, words, self._tables.floats, self._tables.text)
        return BoundModel(self, tables, self._tables.registers, self._tables.lanes)

    def range_of(self, entry: Input) -> tuple[float, float]:
        """The least and the largest number of an input in the training data; all there are where nobody knows."""
        profile = self.manifest.profile
        known = None if profile is None else profile.inputs.get(entry.name)
        if profile is None or not isinstance(known, NumberProfile) or not known.quantiles:
            return -np.inf, np.inf
        ends = dict(zip(profile.probabilities, known.quantiles, strict=True))
        return ends.get(0.0, -np.inf), ends.get(1.0, np.inf)

    def unscored(self, number: int) -> Refusal:
        """What a number in ``missing`` says: the column that keeps a row from being scored, and why.

        Numbers from the count of inputs on are of columns whose value a step refuses.
        """
        if number < len(self.inputs):
            return Refusal(self.inputs[number].name, "it has no value, and the version cannot do without it")
        return self._refusals[number - len(self.inputs)]

    @property
    def decisive(self) -> tuple[str, ...]:
        """The columns that numbers in ``missing`` stand for: the inputs, then those of refused values."""
        return (*(entry.name for entry in self.inputs), *(refusal.column for refusal in self._refusals))

    def classify(self, scores: Floats) -> Int64s:
        """The class of each row of ``scores`` ``(n_outputs, rows)`` as an index into ``classes``; -1 in a regression.

        The second of two classes where its score is above the threshold, which is 0.5 for a probability and 0 for a
        margin unless the manifest says otherwise; the first of several with the highest.
        """
        if self.kind == "regression":
            return np.full(scores.shape[1], -1)
        if self.kind == "binary":
            return np.asarray(scores[0] > self.manifest.outputs.bound, np.int64)
        return np.asarray(scores.argmax(axis=0), np.int64)


class BoundModel:
    """A model and the columns that it reads, with the memory that it works in: for one thread at a time."""

    def __init__(self, model: Model, tables: tuple[Int64s, Int64s, Floats, Bytes], registers: int, lanes: int) -> None:
        """Called by :meth:`Model.bind`."""
        self.model = model
        self._fixed: Fixed = (
            *tables,
            _aligned(registers * STRIDE, np.dtype(np.float64)),
            _aligned(lanes, np.dtype(np.int64)),
            np.zeros(BLOCK, np.int64),
            np.zeros(BLOCK, np.int64),
        )
        self._frame = framed(self._fixed)

    def score(self, columns: Columns, rows: Int64s, scores: Floats, flags: Bytes, missing: Int32s) -> None:
        """Score the given ``rows`` of ``columns``, in any order.

        ``rows`` int64 ``(m,)`` are positions in the columns. Results are written at the same positions, and nowhere
        else: ``scores`` float64 ``(n_outputs or more, capacity)``; ``flags`` uint8 ``(capacity,)``, bits 1 imputed,
        2 clipped, 4 unseen category, 8 missing, 16 outside of the training data; ``missing`` int32 ``(capacity,)``, the
        index of the first input that is not nullable and has no value, or a number from the count of inputs on where a
        step refuses a value (see :meth:`Model.unscored`), else -1. Where it is not -1, the scores are NaN. Else a score
        is not finite only where an input is infinite or so large that the calculation overflows.

        Raises ``ValueError`` before anything is written where a row lies outside of one of the arrays, or these do
        not fit the layout.
        """
        found = run(
            columns.numbers, columns.integers, columns.address, columns.length, columns.valid, self._frame, rows,
            scores, flags, missing,
        )  # fmt: skip
        if found != DONE:
            raise ValueError(
                "a row lies outside of the columns or of the arrays for scores, flags or missing"
                if found == ROW_OUTSIDE
                else "the columns are not of the layout that the model is bound to, or there is no room for all scores"
            )


def _read_step(given: Given, limits: Limits) -> Step:
    """A preparation step, a combining step, or a kernel whose scores become columns."""
    if given.name in KERNELS:
        return Scored.read(KERNELS[given.name], given, limits)
    known = {**STEPS, **COMBINING}
    if given.name not in known:
        raise given.refused(f"this step is not known to this release; it has {', '.join([*known, *KERNELS])}")
    return known[given.name].read(given, limits)


def _field_of(entry: Input, layout: Layout) -> Field:
    field = layout.get(entry.name)
    if field is None:
        raise VersionRefused(
            "inputs",
            f"input {entry.name!r} is not a field of the events; they have {', '.join(f.name for f in layout)}; an "
            "input bears the name of its field, so name the columns like the fields where the model is trained",
        )
    if field.kind not in _KINDS[entry.dtype]:
        wanted = " or ".join(kind.name for kind in _KINDS[entry.dtype])
        raise VersionRefused(
            "inputs",
            f"input {entry.name!r} is {entry.dtype} and needs a field of kind {wanted}, not {field.kind.name}; "
            "change the events' schema, or import the model with rows whose column is of the field's type",
        )
    return field


def _aligned(size: int, dtype: np.dtype[D]) -> npt.NDArray[D]:
    """Zeros that begin at a multiple of 64 bytes, so that no vector lies across two cache lines."""
    raw = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * dtype.itemsize].view(dtype)
