"""A flood of bad records is counted in full and logged in a few lines."""

from __future__ import annotations

import pytest

from monitor.complaints import Complaints
from monitor.records import Bad


def test_the_first_and_every_tenfold(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints()
    for number in range(2_345):
        complaints.bad("labels", [Bad("utf8", f"m.labels-0-{number}", "invalid UTF-8 at byte 6")])
    complaints.bad("labels", [Bad("value", "m.labels-0-9999", "label 2 is neither 0 nor 1")])
    assert complaints.counts == {"bad labels (utf8)": 2_345, "bad labels (value)": 1}
    assert caplog.messages == [
        "bad labels (utf8), 1 so far: m.labels-0-0: invalid UTF-8 at byte 6",
        "bad labels (utf8), 10 so far: m.labels-0-9: invalid UTF-8 at byte 6",
        "bad labels (utf8), 100 so far: m.labels-0-99: invalid UTF-8 at byte 6",
        "bad labels (utf8), 1000 so far: m.labels-0-999: invalid UTF-8 at byte 6",
        "bad labels (value), 1 so far: m.labels-0-9999: label 2 is neither 0 nor 1",
    ]


def test_numbers_that_jump(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints()
    for count in (3, 9, 40, 99, 100):
        complaints.grown("labels dropped", count, "they waited too long")
    assert [message.split(" so far")[0] for message in caplog.messages] == [
        "labels dropped, 3", "labels dropped, 40", "labels dropped, 100",
    ]  # fmt: skip
