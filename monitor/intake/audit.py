"""Audit records as flips: what scorers did about the pointers. Pure."""

from __future__ import annotations

import ctypes

import numpy as np

from monitor.intake.texts import LONGEST
from monitor.rows import Bools, Int64s
from monitor.store.admission import UNREADABLE
from monitor.store.counters import Flip
from scorer.batch import Batch
from scorer.wire.decode import Decoded, Decoder
from scorer.wire.framing import Framing
from scorer.wire.reasons import OK
from scorer.wire.schema import RecordSchema

REFUSED = "refused"


class Audit:
    """Reads audit records. Reuses its buffers, so it is for one thread."""

    def __init__(self, schema: RecordSchema, framing: Framing, schema_id: int) -> None:
        self._decoder = Decoder({0 if framing is Framing.BARE else schema_id: schema}, framing)

    def read(self, batch: Batch) -> tuple[Decoded, Int64s]:
        """Decode a batch; and why some records cannot be used, numbers of ``admission.REASONS``."""
        found = self._decoder.decode(batch)
        return found, np.where(found.status == OK, 0, UNREADABLE).astype(np.int64)

    def flips(self, found: Decoded, which: Bools) -> list[Flip]:
        """What the records under a mask say."""
        rows = np.flatnonzero(which).tolist()
        at = found.columns.integers[self._decoder.layout["at"].slot]
        return [
            Flip(
                int(at[row]),
                self._text(found, "pointer", row),
                self._text(found, "version", row),
                self._text(found, "event", row) != REFUSED,
                self._text(found, "reason", row),
                self._text(found, "instance", row),
            )
            for row in rows
        ]

    def _text(self, found: Decoded, name: str, row: int) -> str:
        """A text, empty where it is null; of a long one the beginning, for it is kept."""
        slot = self._decoder.layout[name].slot
        columns = found.columns
        return ctypes.string_at(int(columns.address[slot, row]), int(columns.length[slot, row])).decode()[:LONGEST]
