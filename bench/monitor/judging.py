"""The judge of the benchmark: requirements of every sort, of all outcomes and of the four segments."""

from __future__ import annotations

from typing import Final

from bench.monitor.rows import OUTPUTS, SEGMENTS
from monitor.judge.judging import Setting
from scorer.quality.requirements import parse

_SEGMENTS = ", ".join(f'{name} = "each"' for name in SEGMENTS)
REQUIREMENTS: Final = f"""
[[requirement]]
metric = "accuracy"
minimum = 0.7
window = "day"
judged = "continuously"
least_labels = 1000

[[requirement]]
metric = "brier"
maximum = 0.2
window = "week"
judged = "continuously"
least_labels = 1000

[[requirement]]
metric = "accuracy"
minimum = 0.6
window = "week"
judged = "continuously"
least_labels = 1000
segments = {{ {_SEGMENTS} }}

[[requirement]]
metric = "auc"
minimum = 0.8
window = "month"
judged = "continuously"
least_labels = 1000

[[requirement]]
metric = "log_loss"
clip = 1e-6
maximum = 0.6
window = "day"
judged = "once per closed window"
least_labels = 1000

[[requirement]]
metric = "calibration_error"
bins = 10
maximum = 0.1
window = "month"
judged = "once per closed window"
least_labels = 1000
"""
SETTING: Final = Setting(parse(REQUIREMENTS, "requirements of the benchmark"), OUTPUTS, tuple(SEGMENTS), 0.05, 100_000)
