"""Plans are data: what a version does to a block of rows, as tables of numbers.

A program is a list of operations on registers. A register holds one float64 column of a block of rows, NaN where
there is no value. Preparation steps and kernels append their operations here when a version is compiled; one function
that was compiled when the process started (``scorer.model.run``) runs any program. So a new version costs no
compilation, and nothing that it contains is code.

The tables: ``ops`` int64 (operations, WIDTH): the code, then its arguments; ``words`` int64, ``floats`` float64 and
``text`` uint8: what the arguments point into. Arguments that name a register are its offset in the block's memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.errors import VersionRefused
from scorer.model.canonical import Reader
from scorer.model.inputs import Input
from scorer.model.limits import Limits
from scorer.model.manifest import Algorithm
from scorer.model.ops import BLOCK, HEAD, LACKS_TEXT, LOAD_NOTHING, LOAD_NUMBER, LOOK_UP, STRIDE, WIDTH
from scorer.model.tensors import Tensor


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric column while a version is compiled: where it lies, and whether NaN may occur in it."""

    register: int
    may_be_missing: bool


@dataclass(frozen=True, slots=True)
class Category:
    """A text column while a version is compiled: which input, and the category that replaces a missing one.

    ``gap`` is a text that counts as missing besides what has no value.
    """

    position: int
    may_be_missing: bool
    fill: str | None = None
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A column that may hold a value with which a row cannot be scored, and a sentence on what is wrong with it."""

    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Given:
    """What a manifest and its tensors give to one step or kernel, read with checks.

    ``where`` is the path in the manifest. Errors are ``VersionRefused``: reason ``"manifest"`` where a parameter is not
    what it should be, ``"pipeline"`` for everything else.
    """

    name: str
    where: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: Mapping[str, Reader]
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, part: Algorithm, where: str, tensors: Mapping[str, Tensor]) -> Given:
        """The given of ``part``, its tensors taken by their names from the version's."""
        params = {name: Reader(value, f"{where}.params.{name}") for name, value in part.params.items()}
        roles = {role: tensors[name] for role, name in part.tensors.items()}
        return cls(part.name, where, part.inputs, part.outputs, params, roles)

    def refused(self, text: str) -> VersionRefused:
        """The error to raise for anything that is wrong here."""
        return VersionRefused("pipeline", f"{self.where} ({self.name}): {text}")

    def expect(self, params: Iterable[str], tensors: Iterable[str]) -> None:
        """Refuse unless exactly these parameters and tensor roles are given."""
        for what, wanted, found in (
            ("params", set(params), set(self.params)),
            ("tensors", set(tensors), set(self.tensors)),
        ):
            if wanted != found:
                raise self.refused(f"{what} must be {sorted(wanted)}, found {sorted(found)}")

    def tensor(self, role: str, dtype: str, shape: tuple[int, ...], *, finite: bool = True) -> Tensor:
        """The tensor of a role, of this dtype and shape; ``finite`` floats unless it says otherwise."""
        found = self.tensors[role]
        if found.dtype.name != dtype or found.shape != shape:
            raise self.refused(
                f"tensor {role!r} must be {dtype} {list(shape)}, found {found.dtype.name} {list(found.shape)}"
            )
        if finite and found.dtype.kind == "f" and not np.isfinite(found).all():
            raise self.refused(f"tensor {role!r} holds a value that is not finite")
        return found

    def floats(self, role: str, *shape: int) -> Floats:
        """A tensor of finite float64 values of this shape."""
        return self.tensor(role, "float64", shape)

    def category_list(self, role: str, limits: Limits) -> tuple[str, ...]:
        """A parameter that lists categories: at least one, all different."""
        reader = self.params[role]
        found = tuple(entry.raw_text(limits.category_bytes) for entry in reader.items(1, limits.categories))
        if len(set(found)) != len(found):
            raise self.refused(f"a category occurs twice in {role!r}")
        return found


class Tables(NamedTuple):
    """A finished program; ``registers`` and ``lanes`` say how much memory a block needs."""

    ops: Int64s
    words: Int64s
    floats: Floats
    text: Bytes
    registers: int
    lanes: int


@dataclass(slots=True)
class Program:
    """A program while it is written: steps append operations and make columns by name.

    ``slots[i]`` lists the operations whose slot and ``valid`` row are those of input ``i``: they are filled in when
    the program is bound to a layout.
    """

    limits: Limits
    columns: dict[str, Number | Category] = field(default_factory=dict)
    slots: list[list[int]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    registers: int = 0
    lanes: int = BLOCK
    _ops: list[tuple[int, ...]] = field(default_factory=list)
    _words: list[Int64s] = field(default_factory=lambda: [np.zeros(HEAD, np.int64)])
    _floats: list[Floats] = field(default_factory=list)
    _text: list[bytes] = field(default_factory=list)
    _sizes: dict[str, int] = field(default_factory=lambda: {"words": HEAD, "floats": 0, "text": 0})

    def load(self, entry: Input, low: float = -np.inf, high: float = np.inf) -> None:
        """Take the next input; numbers below ``low`` or above ``high`` are flagged.

        Which of the LOAD operations it is shows when the layout is known.
        """
        position = len(self.slots)
        self.slots.append([len(self._ops)])
        required = 0 if entry.nullable else 1
        if entry.dtype == "category":
            self.columns[entry.name] = Category(position, entry.nullable)
            self.op(LOAD_NOTHING, 0, 0, 0, required, position)
            return
        sentinel = np.nan if entry.missing_sentinel is None else float(entry.missing_sentinel)
        register = self.make(entry.name, may_be_missing=entry.nullable)
        self.op(LOAD_NUMBER, register, 0, 0, required, position, self.floats(np.array([sentinel, low, high])))

    def look_up(self, category: Category, table: Int64s, text: bytes, fill: int, gap: int) -> int:
        """A new register with the code of each row's category in ``table``.

        ``fill`` replaces MISSING_CODE; ``gap`` is the code that counts as missing, or MISSING_CODE for none.
        """
        register = self.scratch()
        self.slots[category.position].append(len(self._ops))
        self.op(LOOK_UP, register, 0, 0, self.words(table), self.text(text), fill, gap)
        return register

    def lacks_text(self, category: Category, made: str) -> None:
        """A new column that is 1 where the category has no value, else 0."""
        self.slots[category.position].append(len(self._ops))
        self.op(LACKS_TEXT, self.make(made, may_be_missing=False), 0, 0)

    def refusal(self, column: str, why: str) -> int:
        """The number that operations write into ``missing`` for rows that they refuse; steps ask after all loads."""
        self.refusals.append(Refusal(column, why))
        return len(self.slots) + len(self.refusals) - 1

    def op(self, code: int, *arguments: int) -> None:
        """Append one operation."""
        self._ops.append((code, *arguments, *([0] * (WIDTH - 1 - len(arguments)))))

    def scratch(self) -> int:
        """A new register without a name."""
        self.registers += 1
        return (self.registers - 1) * STRIDE

    def make(self, name: str, *, may_be_missing: bool) -> int:
        """A new register for the column ``name``."""
        register = self.scratch()
        self.columns[name] = Number(register, may_be_missing)
        return register

    def number(self, name: str, given: Given) -> Number:
        """The numeric column ``name``, or a refusal."""
        column = self.columns[name]
        if not isinstance(column, Number):
            raise given.refused(f"column {name!r} is a category; encode it first (one_hot@1, ordinal@1)")
        return column

    def whole(self, name: str, given: Given) -> Number:
        """The numeric column ``name`` in which no value may be missing, or a refusal."""
        column = self.number(name, given)
        if column.may_be_missing:
            raise given.refused(f"column {name!r} may be missing, which this cannot be: impute it first (impute@1)")
        return column

    def category(self, name: str, given: Given) -> Category:
        """The text column ``name``, or a refusal."""
        column = self.columns[name]
        if not isinstance(column, Category):
            raise given.refused(f"column {name!r} is a number; this step takes a category")
        return column

    def words(self, values: Int64s) -> int:
        """Append to ``words``; returns the offset."""
        self._words.append(np.asarray(values, np.int64).reshape(-1))
        return self._grow("words", values.size)

    def floats(self, values: Floats) -> int:
        """Append to ``floats``; returns the offset."""
        self._floats.append(np.asarray(values, np.float64).reshape(-1))
        return self._grow("floats", values.size)

    def text(self, values: bytes) -> int:
        """Append to ``text``; returns the offset."""
        self._text.append(values)
        return self._grow("text", len(values))

    def tables(self, first_score: int, scores: int) -> Tables:
        """The finished tables, with the place of the scores in the head."""
        words = np.concatenate(self._words)
        words[4], words[5] = scores, first_score
        floats = np.concatenate([*self._floats, np.zeros(1)])
        text = np.frombuffer(b"".join(self._text) or b"\0", np.uint8)
        ops = np.array(self._ops, np.int64).reshape(-1, WIDTH)
        return Tables(ops, words, floats, text.copy(), self.registers, self.lanes)

    def _grow(self, table: str, size: int) -> int:
        offset = self._sizes[table]
        self._sizes[table] = offset + int(size)
        return offset
