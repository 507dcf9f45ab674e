"""``python -m tests.monitor.stats.confseq_numbers``: what confseq says of fixed sequences, for ``confseq.json``.

confseq 0.0.11 comes as source in C++ that includes Boost, and its own build takes Boost from the system. It was built
here without: ``pip install "numpy<2" scipy matplotlib multiprocess pandas pybind11 libboost-headers``, then
``src/confseq/boundaries.cpp`` compiled by hand with the include folders of pybind11 and libboost-headers. So it is no
requirement of the tests; its numbers are.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from scorer.batch import Floats

LOOKS = (5, 20, 100, 400)
VARIANCES = (1.0, 1.5, 7.0, 40.0, 1000.0, 250_000.0)
ALPHAS = (0.05, 0.001)


def sequences() -> dict[str, Floats]:
    """Values from 0 to 1 that need no random numbers."""
    n = np.arange(400)
    even = (n * n * 37 % 101) / 100.0
    return {"even": even, "small": even**4, "shares": np.where(n * 61 % 10 < 9, 1.0, 0.0), "drift": (n + even) / 401.0}


def main() -> None:
    """Print the numbers."""
    from confseq.betting import betting_cs  # noqa: PLC0415  # only who made it needs it
    from confseq.betting_strategies import lambda_predmix_eb  # noqa: PLC0415
    from confseq.boundaries import poly_stitching_bound  # noqa: PLC0415
    from confseq.predmix import predmix_lower_cs  # noqa: PLC0415

    found: dict[str, list[list[float]]] = {
        "stitched": [[alpha, v, float(poly_stitching_bound(v, alpha / 2, 1.0, 1.0, 1.4, 2.0))]
                     for alpha in ALPHAS for v in VARIANCES]
    }  # fmt: skip
    for name, x in sequences().items():
        for alpha in ALPHAS:
            ends = []
            for sign in (x, 1.0 - x):
                before = (0.5 + np.concatenate([[0.0], np.cumsum(sign)[:-1]])) / np.arange(1, len(x) + 1)
                ends.append(predmix_lower_cs(
                    sign, (sign - before) ** 2, lambda y: lambda_predmix_eb(y, truncation=0.5, alpha=alpha / 2),  # noqa: B023
                    lambda weight: -np.log(1 - weight) - weight, alpha / 2,
                ))  # fmt: skip
            low, high = betting_cs(x, alpha=alpha, breaks=100)
            bounds = (ends[0], 1.0 - ends[1], low, high)
            found[f"{name} {alpha:g}"] = [[n, *(float(one[n - 1]) for one in bounds)] for n in LOOKS]
    parts = [",\n  ".join(map(json.dumps, rows)) for rows in found.values()]
    whole = ",\n".join(f" {json.dumps(name)}: [\n  {part}\n ]" for name, part in zip(found, parts, strict=True))
    sys.stdout.write(f"{{\n{whole}\n}}\n")


if __name__ == "__main__":
    main()
