"""How large a version may be. Sizes are checked before anything is allocated or looped over."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one version. What exceeds one is refused with the cap's name in the message."""

    manifest_bytes: int = 8 * MEGABYTE
    blob_bytes: int = 64 * MEGABYTE
    inputs: int = 1_000
    steps: int = 4_096
    columns: int = 4_096
    """Inputs and everything that preparation makes of them; also the outputs of a kernel."""
    classes: int = 1_000
    categories: int = 65_536
    """Of one step."""
    category_bytes: int = 1_024
    tensors: int = 4_096
    trees: int = 20_000
    nodes: int = 2_000_000
    """Of all trees together."""
    depth: int = 1_024
    golden_rows: int = 4_096


DEFAULT = Limits()
