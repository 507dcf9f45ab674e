"""The documents say what is so: every command, setting and schema is in them, and what they show runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import monitor.cli.app
import sandbox.cli
from monitor.settings import MonitorSettings
from scorer.cli.program import INTERRUPTED
from scorer.errors import HUNG, STUCK, ScorerError
from scorer.settings import describe
from tests.cli.test_help import ALL

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(file.read_text("utf-8") for file in DOCS)


def test_every_setting_is_described_as_it_is() -> None:
    written = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for command in ("scorer", "monitor"):
        arguments = [str(Path(sys.executable).parent / command), "settings", "--markdown"]
        made = subprocess.run(arguments, capture_output=True, text=True, check=True)
        assert f"\n{made.stdout}" in written, (
            f"put into docs/settings.md what is printed by: {command} settings --markdown"
        )
    for key, variable, _, _ in describe(MonitorSettings):
        assert f"| `{key}` | `{variable}` |" in written


def test_every_command_that_is_shown_exists_and_every_one_is_shown() -> None:
    known = {f"scorer {words}" for words in ALL}
    inside = re.findall(r"`[^`\n]*`|^    .*$", TEXT, re.MULTILINE)
    shown = {
        found for text in inside for found in re.findall(r"(?<![\w./-])(?<!SETUSER )scorer(?: [a-z][a-z-]+){1,2}", text)
    }
    for text in shown:
        two, three = " ".join(text.split()[:2]), text
        assert {two, three} & known or any(name.startswith(two + " ") for name in known), f"there is no {text!r}"
    unnamed = {name for name in known if not any(text.startswith(name) for text in shown)}
    assert not unnamed, f"no document shows {sorted(unnamed)}"


@pytest.mark.parametrize(("command", "app"), [("monitor", monitor.cli.app.build()), ("sandbox", sandbox.cli.app)])
def test_every_other_command_is_listed(command: str, app: typer.Typer) -> None:
    listed = re.findall(rf"^\| `{command} ([a-z-]+)", (ROOT / "docs" / "commands.md").read_text("utf-8"), re.MULTILINE)
    found = typer.main.get_command(app)
    assert set(listed) == set(getattr(found, "commands", {}))


def test_every_exit_code_is_explained() -> None:
    def below(kind: type[ScorerError]) -> set[int]:
        return {kind.exit_code}.union(*map(below, kind.__subclasses__()))

    listed = re.findall(r"^\| ([0-9]+) \|", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert set(map(int, listed)) == {0, STUCK, HUNG, INTERRUPTED} | below(ScorerError)


def test_every_schema_is_named_and_every_link_leads_somewhere() -> None:
    for file in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text("utf-8")):
            assert (file.parent / target).exists(), f"{file.name} links to {target}"
    for file in DOCS:
        for path in re.findall(
            r"`((?:scorer|monitor|sandbox|demo|docs|schemas|service|stream|wire|model|scoring|registry)/[\w/.]+\.\w+)",
            file.read_text("utf-8"),
        ):
            assert (ROOT / path).exists() or (ROOT / "scorer" / path).exists(), f"{file.name} names {path}"


@pytest.mark.parametrize("file", ["docs/versions.md"])
def test_python_in_the_documents_runs(file: str, tmp_path: Path) -> None:
    for code in re.findall(r"```python\n(.*?)```", (ROOT / file).read_text("utf-8"), re.DOTALL):
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    subprocess.run(
        [sys.executable, "-m", "scorer.cli", "models", "verify", "coefficients/example/v1"],
        cwd=tmp_path,
        check=True,
        env={
            "SCORER_MODEL": "example",
            "SCHEMAS_EVENTS": '{"1": "none"}',
            "PATH": "",
            "HOME": str(tmp_path),
            # Else this home without machine code costs half a minute.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        },
    )


def test_the_readme_predicts() -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    before = "from demo.flights import FIELDS, load, replayed\nframe = replayed(load())[list(FIELDS)].head(100)\n"
    subprocess.run([sys.executable, "-c", before + code + "\nassert len(scores) == 100"], cwd=ROOT, check=True)
