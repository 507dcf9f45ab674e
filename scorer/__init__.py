"""The scorer: events in, predictions or dead letters out, exactly once, with coefficients that are data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

# Intel's vector library rounds exp() differently in vector lanes than in the scalar rest of a loop: the bits of a row
# would depend on its position. Numba reads this once, when it is imported, so it is said before anything else.
os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"

if TYPE_CHECKING:
    from scorer.model.frame import Predictor

__all__ = ["load"]


def load(path: str | Path) -> Predictor:
    """Load the version in the directory ``path``, for example ``coefficients/M/V``, with all checks, to score frames.

    Raises ``VersionRefused`` where it fails one; signatures are not looked at.
    """
    # The service imports this package too, and must not wait for pandas.
    from scorer.model.frame import Predictor  # noqa: PLC0415
    from scorer.model.golden import admit  # noqa: PLC0415
    from scorer.registry.files import read_version  # noqa: PLC0415

    return Predictor(admit(read_version(Path(path))))
