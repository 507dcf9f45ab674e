"""``scorer dead-letters`` against a real broker: what is listed and shown, and what is masked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Command
from tests.integration.deployment import Deployment, until
from tests.integration.letters import Sent, letters, ours, write
from tests.integration.loops import Loop

HIDDEN = "hunter2-🤫"


def test_the_newest_come_first(command: Command, deployment: Deployment) -> None:
    assert "there are no dead letters" in command("dead-letters", "list").out
    for number in range(5):
        write(deployment, [Sent(b"x", None, ours(f"e-0-{number}", code=f"c{number % 2}"), number % 4)])
        time.sleep(0.002)  # the broker's clock counts milliseconds
    listed = command("dead-letters", "list", "--json").json
    assert [one["source"] for one in listed] == [f"e-0-{number}" for number in reversed(range(5))]
    assert listed[0] | {"time": None} == {
        "letter": f"{deployment.settings.topics.dead_letters}-0-1",
        "source": "e-0-4",
        "origin": "e-0-4",
        "code": "c0",
        "reason": "invalid UTF-8 at byte 9",
        "attempt": 1,
        "cut": False,
        "time": None,
    }
    assert len(command("dead-letters", "list", "--limit", "2").rows) == 2
    assert [one["source"] for one in command("dead-letters", "list", "--code", "c1", "--json").json] == [
        "e-0-3",
        "e-0-1",
    ]
    assert command("dead-letters", "list", "--code", "c7").out == "there are no such dead letters\n"


def test_only_those_since_then(command: Command, deployment: Deployment) -> None:
    write(deployment, [Sent(b"x", None, ours("e-0-1"), 0)])
    time.sleep(0.05)
    middle = time.time()
    write(deployment, [Sent(b"x", None, ours("e-0-2"), 1)])
    since = datetime.fromtimestamp(middle, UTC).isoformat()
    assert [one["source"] for one in command("dead-letters", "list", "--since", "1h", "--json").json] == [
        "e-0-2",
        "e-0-1",
    ]
    assert [one["source"] for one in command("dead-letters", "list", "--since", since, "--json").json] == ["e-0-2"]
    assert command("dead-letters", "list", "--since", "2100-01-01", "--json").json == []
    assert len(command("dead-letters", "list", "--since", "1960-01-01", "--json").json) == 2
    assert command("dead-letters", "list", "--since", "soon").code == 2


def test_a_letter_is_found_by_its_own_place_and_by_its_event_s(command: Command, deployment: Deployment) -> None:
    events, dead = deployment.settings.topics.events, deployment.settings.topics.dead_letters
    letters(deployment, 30)
    retry = deployment.settings.topics.retry
    again = {"origin": f"{events}-1-5"}
    write(deployment, [Sent(b"again", None, ours(f"{retry}-1-0", attempt=2, **again), 1)])
    assert [one["letter"] for one in command("dead-letters", "show", f"{dead}-1-1", "--json").json] == [f"{dead}-1-1"]
    both = command("dead-letters", "show", f"{events}-1-5", "--json").json
    assert [one["facts"]["attempt"] for one in both] == ["2", "1"]
    assert both[1]["letter"] == f"{dead}-1-1"
    assert [one["utf8"] for one in command("dead-letters", "show", f"{retry}-1-0", "--json").json] == ["again"]
    for nowhere in (f"{dead}-0-1000", f"{dead}-9-0", f"{events}-1-6"):
        ran = command("dead-letters", "show", nowhere)
        assert ran.code == 2
        assert f"there is no dead letter at {nowhere}" in ran.err
    assert "is not TOPIC-PARTITION-OFFSET" in command("dead-letters", "show", "events").err


def test_everything_about_one_letter(command: Command, deployment: Deployment) -> None:
    value = deployment.event(7, None)
    write(deployment, [Sent(value, b"\xffk", (("trace", b"abc"), ("bin", b"\xfe"), *ours("e-0-1", field="x")), 0)])
    place = f"{deployment.settings.topics.dead_letters}-0-0"
    [one] = command("dead-letters", "show", place, "--json").json
    assert one["fields"] == {"id": "e7", "at": "2023-11-14 22:13:20.007000+00:00", "x": None}
    assert (one["hex"], one["length"]) == (value.hex(), len(value))
    assert (one["key"], one["headers"]) == ("0xff6b", [["trace", "abc"], ["bin", "0xfe"]])
    text = command("dead-letters", "show", place).out
    for piece in ("0xff6b", "header trace", "abc", "field", "e7", "00 00 00 00 07 04 65 37", "......", "invalid UTF-8"):
        assert piece in text


def test_what_does_not_decode_is_shown_as_far_as_it_does(command: Command, deployment: Deployment) -> None:
    dead = deployment.settings.topics.dead_letters
    values = [None, b"", b"text", b"\0\0\0\0\x08", deployment.event(7)[:9], deployment.event(7) + b"!"]
    write(deployment, [Sent(value, None, ours(f"e-0-{number}"), 0) for number, value in enumerate(values)])
    found = [command("dead-letters", "show", f"{dead}-0-{number}", "--json").json[0] for number in range(len(values))]
    assert [one["length"] for one in found] == [None, 0, 4, 5, 9, len(values[5] or b"")]
    assert [sorted(one["fields"]) for one in found] == [[], [], [], [], ["id"], ["at", "id", "x"]]
    for one, problem in zip(
        found,
        ["tombstone", "schema id", "schema id", "schema id 8", "field `at` at byte 8", "1 bytes are left"],
        strict=True,
    ):
        assert problem in one["problem"]
    assert "74 65 78 74" in command("dead-letters", "show", f"{dead}-0-2").out


class TestSensitive:
    """Fields that scorer.sensitive names."""

    @pytest.fixture
    def deployment(self, deploy: Callable[..., Deployment]) -> Deployment:
        return deploy(scorer={"sensitive": ["id"]})

    def shown(self, command: Command, deployment: Deployment, sent: Sent) -> str:
        """Everything that any command prints about this letter."""
        write(deployment, [sent])
        place = f"{deployment.settings.topics.dead_letters}-0-0"
        ran = [
            command("dead-letters", *words, *form) for words in (["show", place], ["list"]) for form in ([], ["--json"])
        ]
        assert {one.code for one in ran} == {0}
        return "".join(one.out + one.err for one in ran)

    def event(self, deployment: Deployment) -> bytes:
        value = deployment.event(1)
        return value[:5] + bytes([2 * len(HIDDEN.encode())]) + HIDDEN.encode() + value[8:]

    def hidden(self, text: str) -> None:
        for form in (HIDDEN, json.dumps(HIDDEN)[1:-1], HIDDEN.encode().hex(), HIDDEN.encode().hex(" "), "hunter"):
            assert form not in text
        assert "68 75 6e 74" not in text

    def test_a_field_is_masked_wherever_it_stands(self, command: Command, deployment: Deployment) -> None:
        headers = (("id", HIDDEN.encode()), ("trace", b"abc"), *ours("e-0-1", code="missing_input"))
        text = self.shown(command, deployment, Sent(self.event(deployment), HIDDEN.encode(), headers, 0))
        self.hidden(text)
        assert "***" in text
        assert "** ** **" in text
        assert "2023-11-14 22:13:20.001" in text, "other fields are shown"
        assert "abc" in text

    @pytest.mark.parametrize("code", ["truncated", "missing_input"])
    @pytest.mark.parametrize("damage", [b"", b"!", None])
    def test_where_it_does_not_decode_nothing_is_shown(
        self, command: Command, deployment: Deployment, damage: bytes | None, code: str
    ) -> None:
        value = self.event(deployment)
        value = value[:-4] if damage is None else value + damage
        if damage == b"" and code == "missing_input":
            return  # that one is whole
        sent = Sent(value, HIDDEN.encode(), ours("e-0-1", code=code), 0)
        text = self.shown(command, deployment, sent)
        self.hidden(text)
        assert "any of it may belong to a sensitive field" in text
        assert "2023" not in text.replace("2023-11-14T22:13:20.000", "")

    def test_the_reason_does_not_tell_the_value(self, command: Command, deployment: Deployment) -> None:
        reason = "field `id`: the time 4711 does not fit"
        sent = Sent(b"x", None, ours("e-0-1", code="time", field="id", reason=reason), 0)
        text = self.shown(command, deployment, sent)
        assert "4711" not in text
        assert "field `id`: ***" in text


def test_a_letter_of_the_loop_is_listed_replayed_and_listed_again(command: Command, deployment: Deployment) -> None:
    deployment.send([b"broken", *[deployment.event(number) for number in range(20)]], partition=2)
    dead = deployment.settings.topics.dead_letters

    def score(letters: int) -> None:
        with Loop(deployment, max_dead_letter_share=1.0):
            until(lambda: len(deployment.read(dead)) >= letters, f"there are no {letters} letters")

    score(1)
    events = deployment.settings.topics.events
    [one] = command("dead-letters", "list", "--json").json
    assert (one["source"], one["code"], one["attempt"]) == (f"{events}-2-0", "unknown_magic", 1)
    tried = command("dead-letters", "replay", "--dry-run", "--json")
    assert (tried.json["replayed"], tried.json["dry_run"]) == (1, True)
    done = command("dead-letters", "replay")
    assert done.code == 0
    assert done.out == f"1 dead letter replayed to {deployment.settings.topics.retry}\n"
    assert command("dead-letters", "replay", "--json").json["replayed"] == 0
    score(2)
    listed = command("dead-letters", "list", "--json").json
    assert [(one["attempt"], one["origin"]) for one in listed] == [(2, f"{events}-2-0"), (1, f"{events}-2-0")]
    deployment.assert_exactly_once()


def test_letters_that_stay_are_named(command: Command, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(first: int) -> list[Sent]:
        return [Sent(b"x", None, ours(f"e-0-{number}", attempt=4), 0) for number in range(first, first + 25)]

    write(deployment, old(0))
    ran = command("dead-letters", "replay")
    assert ran.code == 0
    assert "0 dead letters replayed" in ran.out
    assert "25 letters not replayed (25 attempts)" in ran.out
    assert all(f"  e-0-{number}  " in ran.out for number in range(25))
    assert command("dead-letters", "replay", "--json").json["kept"] == []
    monkeypatch.setattr("scorer.stream.replay.NAMED", 10)
    write(deployment, old(25))
    ran = command("dead-letters", "replay")
    assert "25 letters not replayed" in ran.out
    assert ran.out.count("  e-0-") == 10
    assert "and 15 more" in ran.out
