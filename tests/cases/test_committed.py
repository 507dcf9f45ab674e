"""Every version in coefficients/ passes its test, by the very command that the workflow and the hook name."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "models.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"


def workflow() -> dict[str, Any]:
    """The workflow as GitHub reads it: its "on" is text."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    return found


def hook() -> dict[str, Any]:
    """The hook."""
    [repository] = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    [found] = repository["hooks"]
    assert isinstance(found, dict)
    return found


def command() -> str:
    """What the workflow runs last."""
    return str(workflow()["jobs"]["test"]["steps"][-1]["run"])


def ran(words: list[str]) -> subprocess.CompletedProcess[str]:
    """A command of this project, run where the repository is, as whoever has activated its environment does."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_version_passes() -> None:
    done = ran([*shlex.split(command()), "--json"])
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    tested = {one["directory"]: one for one in found["versions"]}
    assert set(tested) == {
        str(file.parent.relative_to(ROOT)) for file in (ROOT / "coefficients").glob("*/*/manifest.json")
    }
    for one in tested.values():
        assert one["sample_rows"] > 0, "requirements are enforced"
        assert {verdict["verdict"] for verdict in one["requirements"]} == {"PASS"}


def test_the_workflow_runs_on_every_change_and_every_night() -> None:
    found = workflow()
    assert {"push", "pull_request", "schedule"} <= set(found["on"])
    for event in ("push", "pull_request"):
        assert found["on"][event] is None, "on every change, whatever it touches: libraries change results, too"
    [schedule] = found["on"]["schedule"]
    minute, hour, *days = schedule["cron"].split()
    assert (minute.isdecimal(), hour.isdecimal(), days) == (True, True, ["*", "*", "*"])
    assert found["permissions"] == {"contents": "read"}
    install = found["jobs"]["test"]["steps"][-2]["run"]
    assert "[parquet]" in install, "the sample is read by pyarrow"


def test_the_hook_runs_the_same_where_something_changed_that_scores() -> None:
    found = hook()
    assert found["entry"] == command()
    assert (found["language"], found["pass_filenames"]) == ("system", False)
    for touched in (
        "coefficients/flights/requirements.toml",
        "coefficients/m/v/cases/outliers.json",
        "scorer/batch.py",
    ):
        assert re.search(found["files"], touched)
    assert not re.search(found["files"], "docs/signing.md")


@pytest.mark.parametrize("file", [WORKFLOW, HOOKS], ids=lambda file: file.name)
def test_nothing_is_fetched_from_elsewhere_but_by_name(file: Path) -> None:
    assert "://" not in file.read_text("utf-8")
