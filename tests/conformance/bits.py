"""The bits that the shipped versions score to, stored in ``bits.json``.

``python -m tests.conformance.bits`` adds the versions of ``coefficients/`` that are not in the file yet. It changes no
entry: a version whose bits are others than before means that a step or kernel calculates differently, and then it
needs a new revision beside the old one.

Rows are made from the golden rows alone: these, and 4,096 that mix their columns. Of each version there are

- ``margins``: the sha256 of the scores before the link, which takes ``exp`` from the C library. They are sums,
  products, comparisons of float64, which IEEE 754 fixes, so they must be these bits on every machine;
- ``scores``: the sha256 of the scores, and ``golden``: those of the golden rows in hexadecimal. They must be these bits
  wherever the C library's functions are the ones that they were stored with (``functions``: the sha256 of what it gives
  for a grid of numbers; it may choose by processor). Elsewhere the golden rows must be within 2 units in the last place
  for probabilities of two classes, 4 for more.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import types

from scorer.batch import Floats
from scorer.compiled import entry
from scorer.model import ops
from scorer.model.golden import admit, score
from scorer.model.inputs import Raw
from scorer.model.model import Model
from scorer.model.table import Table, from_rows
from scorer.registry.files import read_version

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("bits.json")
EARLIER = Path(__file__).with_name("earlier")
MIXED = 4096
LIBRARY = {
    ops.SIGMOID, ops.SOFTMAX, ops.EXP, ops.LOG1P_EXP, ops.SIGMOID_FLOAT32, ops.SOFTMAX_FLOAT32, ops.EXP_FLOAT32,
    ops.QUANTILES, ops.YEO_JOHNSON, ops.BOX_COX, ops.FUNCTION, ops.DATE, ops.MARGIN_OF, ops.LOG_ODDS,
}  # fmt: skip
"""The operations that take functions from the C library, or may."""


def shipped() -> dict[str, Path]:
    """The versions of this repository by model and name; those that are shipped no more begin with ``earlier/``.

    What was once shipped may score somewhere: so its steps and kernels keep their bits, too.
    """
    found = {
        f"{path.parent.parent.name}/{path.parent.name}": path.parent
        for path in sorted((ROOT / "coefficients").glob("*/*/manifest.json"))
    }
    return found | {
        f"earlier/{path.parent.parent.name}/{path.parent.name}": path.parent
        for path in sorted(EARLIER.glob("*/*/manifest.json"))
    }


def rows(model: Model) -> list[Sequence[Raw]]:
    """The golden rows, then rows that take each column from another of them."""
    golden = model.manifest.golden.inputs
    steps = [2 * place + 1 for place in range(len(model.inputs))]
    mixed = [
        tuple(golden[(turn * step + turn // len(golden)) % len(golden)][place] for place, step in enumerate(steps))
        for turn in range(MIXED)
    ]
    return [*golden, *mixed]


def bits(directory: Path) -> dict[str, Any]:
    """What is stored of a version, as it is now."""
    model = admit(read_version(directory))
    raw = from_rows(model.inputs, rows(model))
    scores = score(model, raw).scores
    golden = scores[:, : len(model.manifest.golden.inputs)]
    found: dict[str, Any] = {"digest": model.digest.hex(), "scores": _sha256(scores), "golden": _hex(golden)}
    return {**found, "margins": margins(model, raw)}


def margins(model: Model, raw: Table) -> str | None:
    """The sha256 of the scores without the link at the end; ``None`` where the C library is asked before that, too."""
    ops = model._tables.ops
    while ops[-1, 0] in LIBRARY:
        ops = ops[:-1]
    if np.isin(ops[:, 0], list(LIBRARY)).any():
        return None
    model._tables = model._tables._replace(ops=ops)
    return _sha256(score(model, raw).scores)


def _sha256(scores: Floats) -> str:
    return hashlib.sha256(np.ascontiguousarray(scores).astype("<f8").tobytes()).hexdigest()


def _hex(scores: Floats) -> list[str]:
    """The 64 bits of each score, row after row."""
    return [row.astype(">f8").tobytes().hex() for row in np.ascontiguousarray(scores.T)]


def of_hex(texts: Sequence[str]) -> Floats:
    """The reverse: ``(scores, rows)``."""
    return np.array([np.frombuffer(bytes.fromhex(text), ">f8") for text in texts]).T.astype(np.float64)


@entry(types.void(types.float64[::1], types.float64[:, ::1]))
def _called(grid: Floats, results: Floats) -> None:
    """The functions of the C library as compiled code calls them."""
    for place in range(grid.shape[0]):
        x = grid[place]
        results[0, place] = math.exp(x)
        results[1, place] = math.log(abs(x))
        results[2, place] = math.log1p(abs(x))
        results[3, place] = math.sin(x)
        results[4, place] = math.cos(x)
        results[5, place] = math.pow(abs(x), 0.37)


@cache
def functions() -> str:
    """What the C library of this machine gives for a grid of numbers, as one sha256."""
    grid = np.arange(-20_000, 20_000) / 1_733 + 1 / 7_919
    results = np.empty((6, len(grid)))
    _called(grid, results)
    return _sha256(results)


def stored() -> dict[str, Any]:
    """The file."""
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return found


def main() -> None:
    """Add the versions that are missing."""
    found = stored()
    for name, directory in shipped().items():
        if name not in found:
            found[name] = {"functions": functions(), **bits(directory)}
            sys.stdout.write(f"added {name}\n")
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
