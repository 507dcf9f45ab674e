"""The samples that the suite is run over. Every step and kernel must be in one of them.

A new algorithm is added in one place: a line in ``SAMPLES`` of the file here that it belongs to. ::

    "log": of_steps(build.log(["plain", "gaps"], ["a", "b"]), ulps=2),

``of_steps`` and ``of_kernel`` take parts as importers build them, and columns of ``sample.INPUTS``.
"""

from __future__ import annotations

from tests.conformance.samples import kernels, steps, trees

SAMPLES = {**steps.SAMPLES, **kernels.SAMPLES, **trees.SAMPLES}
