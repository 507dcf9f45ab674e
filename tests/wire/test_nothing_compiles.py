"""A new schema is a new table of numbers, never new code."""

from __future__ import annotations

import numba
import numpy as np
from numba.core import event

from scorer.wire.decode import Decoder
from scorer.wire.encode import Encoder
from scorer.wire.framing import Framing
from scorer.wire.joined import join
from scorer.wire.murmur2 import partitions
from scorer.wire.utf8 import valid_utf8
from tests.wire.support import Value, batch_of, parsed, record_schema, written

TYPES = ["boolean", "int", "long", "float", "double", "bytes", "string"]


def test_fifty_schemas_without_a_compilation() -> None:
    with event.install_recorder("numba:compile") as compiled:
        for k in range(50):
            kinds = [TYPES[(k + j) % len(TYPES)] for j in range(1 + k % 9)]
            schema = record_schema(*((f"f{k}_{j}", ["null", kind] if j % 2 else kind) for j, kind in enumerate(kinds)))
            values: dict[str, Value] = {
                "boolean": True,
                "int": 1,
                "long": 2,
                "float": 0.5,
                "double": 1.5,
                "bytes": b"b",
                "string": "s",
            }
            payload = written(schema, {f"f{k}_{j}": values[kind] for j, kind in enumerate(kinds)})
            decoder = Decoder({0: parsed(schema)}, Framing.BARE)
            batch = batch_of([payload] * (1 + 7 * k))
            decoded = decoder.decode(batch)
            encoder = Encoder(parsed(schema), decoder.layout, framing=Framing.BARE)
            encoded = encoder.encode(decoded.columns, np.arange(1 + 7 * k))
            assert bytes(encoded.buffer[: encoded.length[0]]) == payload
        _kept, address, length = join([b"key", None])
        partitions(address, length, 3)
        valid_utf8(address, length)
    assert compiled.buffer == []


def test_a_compilation_would_be_counted() -> None:
    with event.install_recorder("numba:compile") as compiled:
        numba.njit(lambda x: x + 1)(1)
    assert compiled.buffer
