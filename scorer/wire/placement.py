"""Which partition of an output topic a record goes to."""

from __future__ import annotations

import numpy as np

from scorer.batch import Batch, Int64s
from scorer.wire.murmur2 import partitions


def place(batch: Batch, inputs: tuple[int, ...], outputs: int) -> Int64s:
    """The output partition of each record of a batch, int64 ``(n,)``.

    ``inputs`` are the partition counts of ``batch.topics``, ``outputs`` that of the output topic. Where both are
    equal, a record keeps its partition number. Else its key decides, as it would for a Java producer (murmur2);
    without a key it is its partition number modulo ``outputs``, so that a partition's order is kept.
    """
    keeps = np.array(inputs)[batch.topic] == outputs
    if keeps.all():
        return batch.partition.astype(np.int64)
    by_key = partitions(batch.key_address, batch.key_length, outputs)
    elsewhere = np.where(batch.key_length >= 0, by_key, batch.partition % outputs)
    return np.where(keeps, batch.partition, elsewhere)
