"""The wheel: made from what the image is made from, and as good as this directory wherever it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import composed
from tests.composed import ROOT

VERSION = ROOT / "coefficients" / "flights" / "2013-q1-logistic"
PREDICT = """\
import json
import sys
from pathlib import Path

import pandas as pd

import scorer
from scorer import schema_files

root, version = map(Path, sys.argv[1:])
assert Path(scorer.__file__).is_relative_to(root), scorer.__file__
assert {schema_files.own(name)["name"] for name in ("prediction", "audit", "label")} == {"Prediction", "Audit", "Label"}
manifest = json.loads((version / "manifest.json").read_text())
names = [one["name"] for one in manifest["inputs"]]
scores = scorer.load(version).predict(pd.DataFrame(manifest["golden"]["inputs"], columns=names))
print(json.dumps([scores["score"].tolist(), manifest["golden"]["expected"]]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from copies of what the Dockerfile copies, and of nothing else."""
    directory = tmp_path_factory.mktemp("wheel")
    for source in composed.copied():
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, directory / source, symlinks=True, ignore=ignored)
        else:
            (directory / source).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, directory / source)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "dist"]
    subprocess.run(build, cwd=directory, check=True, capture_output=True)
    [made] = (directory / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed in a directory of its own, to be used with the packages that are there already."""
    target = tmp_path_factory.mktemp("installed") / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target)]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True)
    return target


def run(site: Path, *command: str | Path, cwd: Path) -> str:
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_every_module_and_schema_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert not [one for one in archive.infolist() if one.external_attr >> 28 == 0o12], "no links"
    wanted = set()
    for package in ("scorer", "monitor", "sandbox"):
        files = [path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        wanted |= {str(path.relative_to(ROOT)) for path in files}
    wanted |= {f"scorer/{path.relative_to(ROOT)}" for path in (ROOT / "schemas").rglob("*.avsc")}
    assert found == wanted


def test_its_commands_answer_wherever_it_is_installed(installed: Path, tmp_path: Path) -> None:
    for name in ("scorer", "monitor", "sandbox"):
        assert "Usage" in run(installed, installed / "bin" / name, "--help", cwd=tmp_path)
    assert "scorer.state_directory" in run(installed, installed / "bin" / "scorer", "settings", cwd=tmp_path)
    release = run(installed, installed / "bin" / "scorer", "--version", cwd=tmp_path).strip()
    assert release == re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]


def test_it_predicts_wherever_it_is_installed(installed: Path, tmp_path: Path) -> None:
    scores, expected = json.loads(run(installed, sys.executable, "-c", PREDICT, installed, VERSION, cwd=tmp_path))
    assert len(scores) > 10
    assert scores == pytest.approx([row[-1] for row in expected], rel=0, abs=1e-9)


def test_machine_code_that_was_compiled_elsewhere_serves_it(installed: Path, tmp_path: Path) -> None:
    """Else every new place would compile anew, which takes half a minute."""
    code = "from scorer.wire import murmur2; print(sum(murmur2._place.stats.cache_hits.values()), murmur2.__file__)"
    run(ROOT, sys.executable, "-c", code, cwd=tmp_path)
    assert run(installed, sys.executable, "-c", code, cwd=tmp_path).startswith(f"1 {installed}")
