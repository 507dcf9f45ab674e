"""Versions as files, and ``scorer.load``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import scorer
from scorer.errors import RegistryConflict, VersionRefused
from scorer.model.limits import Limits
from scorer.model.version import VersionBytes
from scorer.registry.files import read_version, write_version
from tests.model import samples

STORED = samples.store(samples.small())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    directory = tmp_path / "coefficients" / "flights" / "v1"
    write_version(directory, STORED)
    assert read_version(directory) == STORED
    assert sorted(path.name for path in directory.iterdir()) == ["manifest.json", "tensors.safetensors"]
    assert [path.name for path in directory.parent.iterdir()] == ["v1"]
    signed = VersionBytes(STORED.manifest, STORED.tensors, b"signed")
    write_version(directory.with_name("v2"), signed)
    assert read_version(directory.with_name("v2")) == signed


def test_a_version_never_changes(tmp_path: Path) -> None:
    write_version(tmp_path / "v1", STORED)
    (tmp_path / "v1" / "cases").mkdir()
    write_version(tmp_path / "v1", STORED)
    other = VersionBytes(STORED.manifest, STORED.tensors + b"x")
    with pytest.raises(RegistryConflict, match=r"tensors\.safetensors differs"):
        write_version(tmp_path / "v1", other)
    assert read_version(tmp_path / "v1") == STORED
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


def test_a_version_joins_the_cases_that_were_there_before(tmp_path: Path) -> None:
    (tmp_path / "v1" / "cases").mkdir(parents=True)
    signed = VersionBytes(STORED.manifest, STORED.tensors, b"signed")
    write_version(tmp_path / "v1", signed)
    assert read_version(tmp_path / "v1") == signed
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]
    assert (tmp_path / "v1" / "cases").is_dir()


def test_nothing_is_left_behind_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "v1").write_bytes(b"a file where the directory should be")
    with pytest.raises(RegistryConflict):
        write_version(tmp_path / "v1", STORED)
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


@pytest.mark.parametrize("name", ["manifest.json", "tensors.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_version(tmp_path / "v1", STORED)
    (tmp_path / "v1" / name).unlink()
    with pytest.raises(VersionRefused, match=name) as caught:
        read_version(tmp_path / "v1")
    assert caught.value.reason == "missing"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    write_version(tmp_path / "v1", STORED)
    with pytest.raises(VersionRefused, match="more than 10 bytes") as caught:
        read_version(tmp_path / "v1", Limits(blob_bytes=10))
    assert caught.value.reason == "size"


def test_load_and_predict(tmp_path: Path) -> None:
    write_version(tmp_path / "v1", STORED)
    predictor = scorer.load(tmp_path / "v1")
    found = predictor.predict(pd.DataFrame({"plain": [0.0, 10.0, None], "gaps": [0.125, None, 1.0]}))
    assert found["score"].tolist()[:1] == [0.5]
    assert found["class"].tolist()[:2] == ["no", "yes"]
    assert found["flags"].tolist() == [0, 9, 8]
    assert found["missing"].tolist() == [None, None, "plain"]
    assert found["score"].isna().tolist() == [False, False, True]
    assert scorer.load(str(tmp_path / "v1")).model.digest == predictor.model.digest


def test_the_service_does_not_wait_for_pandas() -> None:
    """Importing the package, or what the service needs of it, loads no data frames."""
    code = "import sys, scorer, scorer.model.golden, scorer.registry.files; print('pandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_load_checks_everything(tmp_path: Path) -> None:
    write_version(tmp_path / "v1", VersionBytes(STORED.manifest, STORED.tensors[:-1] + b"\x01"))
    with pytest.raises(VersionRefused, match="sha256"):
        scorer.load(tmp_path / "v1")
