"""``scorer models test`` and ``add-case``: events from a real broker become cases, and versions pass or fail."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scorer.cases import predictions
from scorer.cases.folder import Folder
from scorer.registry.files import write_version
from scorer.stream.letters import Coordinates
from tests.cli.conftest import Command, write_contrived
from tests.integration.deployment import Deployment, version
from tests.integration.letters import Sent, ours, write
from tests.integration.loops import Loop

Make = Callable[..., Path]

WHY = "It was met in operation, and is fine."


def outliers(directory: Path) -> list[dict[str, Any]]:
    """The cases in the file."""
    found: list[dict[str, Any]] = json.loads(Folder(directory).outliers.read_bytes())["cases"]
    return found


# -- from operation ------------------------------------------------------------------------------------------------


def test_a_scored_event_becomes_a_case_that_passes(command: Command, deployment: Deployment, make: Make) -> None:
    directory = make("v1")
    deployment.send([deployment.event(1, 0.75), deployment.event(2, None)], partition=2)
    with Loop(deployment):
        deployment.await_committed(2)
    events = deployment.settings.topics.events
    for number, form in ((0, f"{events}/2/0"), (1, f"{events}-2-1")):
        ran = command("models", "add-case", directory, "--event", form, "--why", WHY)
        assert ran.code == 0, ran
        assert f"case {events}-2-{number} is written" in ran.out
        assert "look whether it should" in ran.err
    for offset, x in ((0, 0.75), (1, 0.0)):
        found = predictions.find(deployment.settings, Coordinates(events, 2, offset), int(time.time() * 1e3))
        assert found is not None
        assert (found.version, found.role) == ("v1", "champion")
        assert found.score == pytest.approx(1 / (1 + math.exp(-x)), abs=1e-12), "that of this event"
    first, second = outliers(directory)
    assert first["row"] == {"x": 0.75}
    assert first["expected"]["scores"] == [pytest.approx(1 / (1 + math.exp(-0.75)), abs=1e-12)]
    assert first["flags"] == []
    assert (second["row"], second["flags"]) == ({"x": None}, ["imputed", "missing"])
    source = first["source"]
    assert (source["topic"], source["partition"], source["offset"]) == (events, 2, 0)
    assert (source["version"], source["reason"], source["file"]) == ("v1", None, None)
    assert source["time"].endswith("+00:00")
    ran = command("models", "test", directory)
    assert ran.code == 0, ran
    assert "ok      outliers   2 cases" in ran.out
    again = command("models", "add-case", directory, "--event", f"{events}/2/0", "--why", WHY)
    assert again.code == 2
    assert "has this case already" in again.err
    assert len(outliers(directory)) == 2


def test_an_event_that_nobody_has_scored_yet(command: Command, deployment: Deployment, make: Make) -> None:
    directory = make("v1")
    deployment.send([deployment.event(1)], partition=0)
    place = f"{deployment.settings.topics.events}/0/0"
    ran = command("models", "add-case", directory, "--event", place, "--why", WHY, "--name", "early", "--json")
    assert ran.code == 0, ran
    assert (ran.json["name"], ran.json["source"]["version"]) == ("early", None)
    assert command("models", "add-case", directory, "--event", f"{place}9", "--why", WHY).code == 2


@pytest.fixture
def strict(deployment: Deployment, tmp_path: Path) -> Path:
    """A version that cannot do without x."""
    stored = version(deployment.model, "v1")
    manifest = json.loads(stored.manifest)
    manifest["inputs"][0]["nullable"] = False
    directory = tmp_path / "coefficients" / deployment.model / "v1"
    data = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    write_version(directory, type(stored)(data, stored.tensors))
    write_contrived(directory)
    return directory


def test_a_dead_letter_becomes_a_case(command: Command, deployment: Deployment, strict: Path) -> None:
    events, dead = deployment.settings.topics.events, deployment.settings.topics.dead_letters
    headers = ours(f"{events}-1-5", code="missing_input", reason="field `x` has no value", field="x", version="v0")
    write(deployment, [Sent(deployment.event(7, None), b"k", headers, 1)])
    for place, name in ((f"{dead}/1/0", "one"), (f"{events}-1-5", "two")):
        ran = command("models", "add-case", strict, "--dead-letter", place, "--why", WHY, "--name", name)
        assert (ran.code == 0) == (name == "one"), "the same row is one case"
    [case] = outliers(strict)
    assert case["row"] == {"x": None}
    assert case["expected"] == {"dead_letter": {"code": "missing_input", "field": "x"}}
    assert case["source"] == {
        "topic": events,
        "partition": 1,
        "offset": 5,
        "time": "2023-11-14T22:13:20.000+00:00",
        "version": "v0",
        "reason": "missing_input: field `x` has no value",
        "file": None,
    }
    assert command("models", "test", strict).code == 0


def test_an_event_that_does_not_decode_or_was_cut_is_no_case(
    command: Command, deployment: Deployment, make: Make
) -> None:
    directory, dead = make("v1"), deployment.settings.topics.dead_letters
    write(deployment, [
        Sent(deployment.event(1)[:9], None, ours("e-0-1", code="truncated"), 0),
        Sent(deployment.event(1), None, ours("e-0-2", value_cut="true"), 0),
    ])  # fmt: skip
    for offset, code, why in (
        (0, 3, "does not decode (truncated"),
        (1, 2, "only the beginning"),
        (2, 2, "no dead letter"),
    ):
        ran = command("models", "add-case", directory, "--dead-letter", f"{dead}/0/{offset}", "--why", WHY)
        assert ran.code == code
        assert why in ran.err
    assert not Folder(directory).outliers.exists()


class TestSensitive:
    """Inputs that scorer.sensitive names."""

    @pytest.fixture
    def deployment(self, deploy: Callable[..., Deployment]) -> Deployment:
        return deploy(scorer={"sensitive": ["x"]})

    def test_they_are_written_only_when_that_is_said(
        self, command: Command, deployment: Deployment, make: Make
    ) -> None:
        directory = make("v1")
        deployment.send([deployment.event(1, 0.123456)], partition=0)
        arguments = [
            "models",
            "add-case",
            directory,
            "--event",
            f"{deployment.settings.topics.events}/0/0",
            "--why",
            WHY,
        ]
        ran = command(*arguments)
        assert ran.code == 2
        assert "scorer.sensitive" in ran.err
        assert "0.123456" not in ran.out + ran.err
        assert not Folder(directory).outliers.exists()
        assert command(*arguments, "--with-sensitive").code == 0
        assert outliers(directory)[0]["row"] == {"x": 0.123456}


def test_a_row_from_a_file_needs_no_settings(command: Command, make: Make, tmp_path: Path) -> None:
    directory = make("v1")
    (tmp_path / "scorer.toml").unlink()
    (tmp_path / "odd.json").write_text('{"x": -800, "other": 1}')
    ran = command("models", "add-case", directory, "--file", "odd.json", "--why", WHY)
    assert ran.code == 0, ran
    [case] = outliers(directory)
    assert (case["name"], case["row"], case["source"]["file"]) == ("odd", {"x": -800.0}, "odd.json")


@pytest.mark.parametrize(
    "arguments", [("--name", "a\x1b[31m"), ("--name", "a" * 5000), ("--why", "a b c " * 1000)], ids=lambda one: one[0]
)
def test_what_could_not_be_read_again_is_not_written(command: Command, make: Make, arguments: tuple[str, ...]) -> None:
    directory = make("v1")
    Path("odd.json").write_text('{"x": -800}')
    ran = command("models", "add-case", directory, "--file", "odd.json", "--why", WHY, *arguments)
    assert ran.code == 2
    assert f"cases[0].{arguments[0][2:]}: expected" in ran.err
    assert not Folder(directory).outliers.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--why", WHY), "one of --dead-letter, --event and --file"),
        (("--why", WHY, "--file", "a.json", "--event", "e-0-1"), "one of --dead-letter, --event and --file"),
        (("--why", "because", "--file", "a.json"), "write a sentence"),
        (("--why", WHY, "--event", "nowhere"), "is not TOPIC-PARTITION-OFFSET"),
        (("--why", WHY, "--event", "a/1-2"), "is not TOPIC-PARTITION-OFFSET"),
    ],
)
def test_what_must_be_said(command: Command, make: Make, arguments: tuple[str, ...], why: str) -> None:
    ran = command("models", "add-case", make("v1"), *arguments)
    assert ran.code == 2
    assert why in ran.err


def test_a_version_of_another_model(
    command: Command, make: Make, monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    monkeypatch.setenv("SCORER_MODEL", "other")
    ran = command("models", "add-case", make("v1"), "--event", "e/0/1", "--why", WHY)
    assert ran.code == 2
    assert f"the version is of {deployment.model}" in ran.err


# -- the test ------------------------------------------------------------------------------------------------------


def test_a_failing_test_says_what_differs_and_ends_with_14(command: Command, make: Make) -> None:
    good, bad = make("v1"), make("v2")
    Folder(bad).contrived.write_text(Folder(bad).contrived.read_text().replace("0.5", "0.625"))
    ran = command("models", "test", good, bad)
    assert ran.code == 14
    for piece in ("1 of 1 case differs", "in the middle: without evidence", "from 0.625 to 0.625", "-0.125", "x=0.0"):
        assert piece in ran.out
    facts = command("models", "test", good, bad, "--json").json
    assert (facts["ok"], [one["ok"] for one in facts["versions"]]) == (False, [True, False])
    [difference] = facts["versions"][1]["differences"]
    assert difference == {
        "case": "in the middle",
        "why": "without evidence both classes are alike",
        "field": "score",
        "expected": "from 0.625 to 0.625",
        "got": "0.5",
        "difference": -0.125,
        "row": {"x": 0.0},
    }


def test_all_versions_of_the_working_directory(command: Command, make: Make) -> None:
    nothing = command("models", "test")
    assert nothing.code == 2
    assert "there is no version in" in nothing.err
    for name in ("v2", "v1"):
        make(name)
    assert [one["version"] for one in command("models", "test", "--json").json["versions"]] == ["v1", "v2"]


def test_a_version_that_cannot_be_tested_keeps_none_of_the_others_from_it(command: Command, make: Make) -> None:
    make("v3")
    without, broken = Folder(make("v1")), make("v2")
    without.contrived.unlink()
    (broken / "tensors.safetensors").unlink()
    ran = command("models", "test")
    assert ran.code == 14
    assert "v3" in ran.out
    assert [line.split()[1].rsplit("/", 1)[1] for line in ran.err.splitlines()] == ["v1", "tensors.safetensors"]
    facts = command("models", "test", "--json").json
    assert [one["ok"] for one in facts["versions"]] == [False, False, True]
    assert "has no cases" in facts["versions"][0]["error"]
    assert command("models", "test", broken).code == 4


def test_a_version_without_cases_or_whose_cases_fail_is_not_pushed(command: Command, make: Make) -> None:
    directory = make("v1")
    file = Folder(directory).contrived
    text = file.read_text()
    for content, why in ((None, "has no cases: write"), (text.replace("0.5", "0.6"), "does not pass"), ("", "JSON")):
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        ran = command("models", "push", directory)
        assert ran.code == 14
        assert why in ran.err
    assert command("models", "list", "--json").json == []
    file.write_text(text)
    assert command("models", "push", directory).code == 0
