"""What the file of a day must hold, by pandas from a world's oracle."""

from __future__ import annotations

import pandas as pd

from monitor.rows import DAY, Layout
from monitor.store.cohorts import closed_before
from monitor.store.outcomes import Columns
from tests.monitor.store.oracle import Oracle
from tests.monitor.store.world import TIMING

CLASSES, ROLES = ("no", "yes"), ("champion", "trial")
LAYOUT = Layout({"score": "f8", "predicted": "i2", "role": "i1", "segment_0": "i4"})
COLUMNS = Columns(ROLES, CLASSES, {"score": "score"}, {"segment_0": ("segment:where", "segment_where")})
VERSIONS = ("v0", "v1")
TOPICS = ("events", "retry")
PLACES = ("it's", 'a "place"')
ORDER = ["event_time", "source_topic", "source_partition", "source_offset", "version"]


def expected(oracle: Oracle, day: int) -> pd.DataFrame:
    """The rows of a day in their order."""
    rows = oracle.outcomes()
    closed = closed_before(oracle.reached, TIMING)
    rows = rows[(rows["time"] // DAY == day) & (rows["time"] < closed)].copy()
    rows["implicit"] = ~rows["labelled"].astype(bool)
    if oracle.implicit is None:
        rows = rows[~rows["implicit"]]
    else:
        rows.loc[rows["implicit"], "value"] = oracle.implicit
    return (
        pd.DataFrame(
            {
                "source_topic": [TOPICS[code] for code in rows["source_topic"]],
                "source_partition": rows["source_partition"].astype("int32"),
                "source_offset": rows["source_offset"].astype("int64"),
                "event_time": pd.to_datetime(rows["time"], unit="us", utc=True),
                "version": [VERSIONS[code] for code in rows["version"]],
                "role": [ROLES[code] for code in rows["version"]],
                "class": [CLASSES[code] for code in rows["class"]],
                "score": rows["score"].astype(float),
                "label": rows["value"].astype(float),
                "label_class": [CLASSES[int(code)] for code in rows["value"]],
                "label_time": pd.to_datetime(rows["label_time"].where(~rows["implicit"]), unit="us", utc=True),
                "implicit": rows["implicit"].astype(bool),
                "segment_where": [None if score < 0.2 else PLACES[score > 0.5] for score in rows["score"]],
                "position": rows["position"],
                "partition": rows["partition"],
            }
        )
        .sort_values([*ORDER, "partition", "position"], ignore_index=True)
        .drop(columns=["position", "partition"])
    )
