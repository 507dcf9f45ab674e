"""A program that mutates versions and runs whatever passes the checks, between pages that must not be touched.

``python -m tests.conformance.mutations SEED COUNT`` makes ``COUNT`` mutations of each sample. Each must be refused with
``VersionRefused``, or be a version that scores: compiled code gives what plain numpy gives, and reads and writes no
byte beside its tables and its working memory, all of which end, or begin, where memory does. A byte too far ends the
process with a signal. It prints how many mutations were refused, and how many were run.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from scorer.errors import VersionRefused
from scorer.model import reference, tensors
from scorer.model.canonical import Json, encode
from scorer.model.limits import Limits
from scorer.model.model import BoundModel, Model
from scorer.model.run import framed
from scorer.model.table import Results, Values, table, values_of
from scorer.model.version import VersionBytes, load
from tests.conformance.samples import SAMPLES
from tests.model import samples
from tests.wire.guarded import Island

ROWS = 40
LIMITS = Limits(manifest_bytes=1 << 20, blob_bytes=1 << 20)
PAGES = 1_000
"""Pages of an island: what one table of a sample needs, at most."""

HOSTILE: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 2**31, 2**53, 2**63 - 1, -(2**63), 10**30, 0.0, -0.0, 0.5, -1.0, 1e308, 5e-324,
    "", "NaN", "Infinity", "no such", "a" * 300, "\x00", [], [1], ["a"], ["a", "a"], [1.5, 2.5], [[]], {}, {"a": 1},
]  # fmt: skip
NUMBERS: dict[str, list[float]] = {
    "f": [0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, -1e300, 5e-324, float("nan"), float("inf"), float("-inf")],
    "i": [0, 1, -1, -1, -2, 2, 3, 7, 63, 64, 100, 2**15, 2**30, 2**31 - 1, -(2**31)],
    "u": [0, 1, 2, 3, 4, 5, 127, 255],
}


def mutated(stored: VersionBytes, chance: random.Random) -> VersionBytes:
    """The version with one to three changes of one sort."""
    kind = chance.choice(
        [_bytes_of_manifest, _bytes_of_tensors, _json, _json, _json, _values, _values, _values, _shape]
    )
    return kind(stored, chance)


def _bytes_of_manifest(stored: VersionBytes, chance: random.Random) -> VersionBytes:
    return VersionBytes(_spoilt(stored.manifest, chance), stored.tensors)


def _bytes_of_tensors(stored: VersionBytes, chance: random.Random) -> VersionBytes:
    """Other bytes, declared as they are: the form of the blob itself is put to the test."""
    blob = _spoilt(stored.tensors, chance)
    return VersionBytes(_declared(json.loads(stored.manifest), blob), blob)


def _spoilt(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(changed))
        way = chance.randrange(4)
        if way == 0:
            changed[place] = chance.randrange(256)
        elif way == 1:
            changed[place] ^= 1 << chance.randrange(8)
        elif way == 2:
            del changed[place : place + chance.randint(1, 9)]
        else:
            changed[place:place] = chance.randbytes(chance.randint(1, 9))
    return bytes(changed)


def _declared(document: dict[str, Json], blob: bytes) -> bytes:
    """The manifest with the blob's size and sha256."""
    declared = document["blob"]
    assert isinstance(declared, dict)
    declared |= {"size": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
    return encode(document)


def _json(stored: VersionBytes, chance: random.Random) -> VersionBytes:
    """Other values in the manifest, which stays canonical: hostile ones, ones from elsewhere in it, none, several."""
    document: Any = json.loads(stored.manifest)
    for _ in range(chance.randint(1, 2)):
        places = [place for place in _places(document) if chance.random() < 0.5 or "golden" not in str(place[2])]
        holder, key, _ = chance.choice(places or _places(document))
        way = chance.randrange(5)
        if way == 0:
            holder[key] = chance.choice(HOSTILE)
        elif way == 1:
            other, there, _ = chance.choice(places or _places(document))
            holder[key] = json.loads(json.dumps(other[there]))
        elif way == 2:
            del holder[key]
        elif way == 3 and isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(holder[key])))
        elif isinstance(holder[key], list):
            chance.shuffle(holder[key])
        elif isinstance(holder[key], float | int):
            holder[key] = type(holder[key])(holder[key] + chance.choice([1, -1, 2]))
    return VersionBytes(_encoded(document), stored.tensors)


def _places(document: Any, path: str = "") -> list[tuple[Any, Any, str]]:
    """Every place of a document: what holds it, under which key, where."""
    keys = list(document) if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else []
    found = []
    for key in keys:
        found.append((document, key, f"{path}.{key}"))
        found += _places(document[key], f"{path}.{key}")
    return found


def _encoded(document: Json) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _values(stored: VersionBytes, chance: random.Random) -> VersionBytes:
    """Other numbers in a tensor, declared as they are."""
    return _retensored(stored, chance, _other_numbers)


def _other_numbers(array: npt.NDArray[Any], chance: random.Random) -> npt.NDArray[Any]:
    flat = array.reshape(-1).copy()
    for _ in range(chance.randint(1, 3)):
        if flat.size:
            place = chance.randrange(flat.size)
            near = (
                [flat[chance.randrange(flat.size)], flat[place] + 1, flat[place] - 1] if flat.dtype != "uint8" else []
            )
            flat[place] = chance.choice([*NUMBERS[flat.dtype.kind], *near])
    return flat.reshape(array.shape)


def _shape(stored: VersionBytes, chance: random.Random) -> VersionBytes:
    """Another shape or dtype of a tensor, declared as it is."""

    def other(array: npt.NDArray[Any], chance: random.Random) -> npt.NDArray[Any]:
        ways: list[Callable[[], npt.NDArray[Any]]] = [
            lambda: array[:-1],
            lambda: array[1:],
            lambda: array[::-1],
            lambda: array.T,
            lambda: array[None],
            lambda: array.reshape(-1),
            lambda: array[:0],
            lambda: np.concatenate([array, array]),
            lambda: array.astype(chance.choice(["float64", "float32", "int64", "int32", "uint8"])),
        ]
        return chance.choice(ways)() if array.ndim else array

    return _retensored(stored, chance, other)


def _retensored(
    stored: VersionBytes, chance: random.Random, change: Callable[[npt.NDArray[Any], random.Random], npt.NDArray[Any]]
) -> VersionBytes:
    """The version with a change to one of its tensors, or to two that are chosen alike."""
    found = dict(load(stored).tensors)
    with np.errstate(all="ignore"):
        # Whole numbers are indices and counts, which lead out of memory where nobody checks them.
        weights = [1 if found[name].dtype.kind == "f" else 4 for name in sorted(found)]
        for name in set(chance.choices(sorted(found), weights, k=chance.choice([1, 1, 2]))) if found else ():
            found[name] = change(found[name], chance)
    blob, info = tensors.write(found)
    document: dict[str, Any] = json.loads(stored.manifest)
    document["blob"] = {
        "sha256": info.sha256,
        "size": info.size,
        "tensors": {name: {"dtype": entry.dtype, "shape": list(entry.shape)} for name, entry in info.tensors.items()},
    }
    return VersionBytes(encode(document), blob)


class Guard:
    """Memory for one model's tables and working memory, each array on an island of its own."""

    def __init__(self) -> None:
        self._islands = [Island(PAGES) for _ in range(8)]

    def fence(self, bound: BoundModel, *, at_the_end: bool) -> None:
        """Move the arrays of a model to where memory ends, or begins."""
        moved: list[npt.NDArray[Any]] = []
        arrays: tuple[npt.NDArray[Any], ...] = bound._fixed
        for island, array in zip(self._islands, arrays, strict=True):
            data = np.ascontiguousarray(array).tobytes()
            if len(data) > island.end - island.start:
                raise SystemExit(f"a table of {len(data)} bytes does not fit on an island: make PAGES larger")
            address = island.at_the_end(data) if at_the_end else island.at_the_start(data)
            memory = (ctypes.c_char * max(len(data), 1)).from_address(address)
            moved.append(np.frombuffer(memoryview(memory), array.dtype, array.size).reshape(array.shape))
        bound._fixed = tuple(moved)  # type: ignore[assignment]  # as many arrays of the same types
        bound._frame = framed(bound._fixed)


def run(model: Model, values: list[Values], rows: int, guard: Guard) -> None:
    """Score rows on fenced memory, and hold the result against plain numpy."""
    raw = table(model.inputs, values, rows)
    expected = reference.score(model, values, rows)
    for at_the_end in (True, False):
        bound = model.bind(raw.layout)
        guard.fence(bound, at_the_end=at_the_end)
        got = Results(np.full((model.n_outputs, rows), -7.0), np.zeros(rows, np.uint8), np.zeros(rows, np.int32))
        bound.score(raw.columns, raw.rows, *got)
        np.testing.assert_array_equal(got.missing, expected.missing)
        np.testing.assert_array_equal(got.flags, expected.flags)
        np.testing.assert_array_equal(np.isnan(got.scores), np.isnan(expected.scores))
        near = np.isfinite(expected.scores)
        np.testing.assert_allclose(got.scores[near], expected.scores[near], 1e-9, 1e-9)


def main(seed: int, count: int) -> tuple[int, int]:
    """Mutate every sample; how many mutations were refused and how many were run."""
    refused = ran = 0
    guard = Guard()
    for number, (name, sample) in enumerate(SAMPLES.items()):
        stored = samples.store(sample.design)
        chance = random.Random(seed * 1_000_003 + number)  # noqa: S311 - the same mutations in every run
        for turn in range(count):
            other = mutated(stored, chance)
            try:
                model = Model(load(other, LIMITS), LIMITS)
            except VersionRefused:
                refused += 1
                continue
            ran += 1
            raw = values_of(model.inputs, samples.rows(model.inputs, ROWS, turn))
            try:
                run(model, raw, ROWS, guard)
            except AssertionError as error:
                raise SystemExit(f"{name}, mutation {turn} of seed {seed}: {error}") from None
    return refused, ran


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
