"""How late a prediction came: bins of the time from an event to its score, the same for ever, so that counts merge."""

from __future__ import annotations

from typing import Final

LATENCY_EDGES: Final = (
    *(step * 10**power for power in range(3, 7) for step in (1, 2, 5)),
    *(
        seconds * 10**6
        for seconds in (10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800)
    ),
)
"""Microseconds. Bin n holds at least ``LATENCY_EDGES[n - 1]`` and less than ``LATENCY_EDGES[n]``; bin 0 all below the
first edge, scores before their event among them; the last bin all from the last edge on."""


def edge_of(seconds: float) -> int | None:
    """The place in ``LATENCY_EDGES`` of so many seconds; ``None`` where they are no edge.

    From the edge at place n on lie the bins above n.
    """
    micros = seconds * 1e6
    whole = round(micros) if micros < 2.0**60 else -1
    return LATENCY_EDGES.index(whole) if whole in LATENCY_EDGES and abs(micros - whole) < 1e-3 else None


def edges_in_words() -> str:
    """All edges in seconds."""
    return ", ".join(f"{edge / 1e6:g}" for edge in LATENCY_EDGES)
