"""The metrics as docs/requirements.md lists them."""

from __future__ import annotations

import math

from scorer.quality.metrics import METRICS, Metric
from scorer.quality.parameters import Parameters


def markdown() -> str:
    """The list as a table for docs/requirements.md."""
    rows = ["| metric | is | of | better | from, to | parameters | continuously | once per closed window |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for one in METRICS.values():
        parameters = [f"`{name}`" for name in one.needs] + [f"`{name}`, if wanted" for name in one.takes]
        better = one.better if one.better != "nearer" else f"nearer to {one.best:g}"
        cells = [
            f"`{one.name}`", one.what, ", ".join(one.kinds), better, _extent(one), ", ".join(parameters),
            _continuous(one), one.once,
        ]  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _extent(one: Metric) -> str:
    if one.name in ("log_loss", "cost"):
        words = "-ln(1 - clip), -ln(clip)" if one.name == "log_loss" else "the least and greatest cost"
    elif one.name == "mae":
        words = "0, `bound`"
    elif one.name == "brier":
        words = "0, 1; of several classes 0, 2"
    else:
        low, high = (f"{end:g}" if math.isfinite(end) else "…" for end in one.range(Parameters(), None))
        words = f"{low}, {high}"
    return f"{words} {one.unit}".strip() if one.unit else words


def _continuous(one: Metric) -> str:
    if one.continuous is None:
        return "no"
    needs = "".join(f", with `{name}`" for name in one.continuous_needs)
    return one.continuous + needs
