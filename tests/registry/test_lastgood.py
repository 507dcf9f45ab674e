"""The last good versions on disk."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.errors import SettingsError, VersionRefused
from scorer.registry.lastgood import Applied, LastGood, Saved
from tests.registry.made import content, digest


def saved(version: str, trial: str | None = None) -> Saved:
    return Saved(version, digest(version), trial)


@pytest.mark.parametrize("signature", [None, b"", b"signed"])
def test_what_is_kept_is_read(tmp_path: Path, signature: bytes | None) -> None:
    state = LastGood(tmp_path / "not" / "yet", "flights")
    what = content("v1", signature=signature)
    assert not state.has("v1", digest("v1"))
    state.keep("v1", what)
    assert state.has("v1", digest("v1"))
    assert state.read("v1", digest("v1")) == what


def test_what_was_applied_is_remembered(tmp_path: Path) -> None:
    state = LastGood(tmp_path, "flights")
    with pytest.raises(VersionRefused, match="no version was ever applied here"):
        state.applied()
    for version in ("v1", "v2"):
        state.keep(version, content(version))
    state.point(Applied(saved("v1"), None))
    assert state.applied() == Applied(saved("v1"), None)
    state.point(Applied(saved("v1"), saved("v2", '{"id": "t"}')))
    assert LastGood(tmp_path, "flights").applied() == Applied(saved("v1"), saved("v2", '{"id": "t"}'))
    with pytest.raises(VersionRefused):
        LastGood(tmp_path, "other").applied()


def damaged(whole: bytes, place: int, what: str) -> bytes:
    place %= len(whole)
    if what == "cut":
        return whole[:place]
    if what == "flip":
        return whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
    return whole[:place] + b"x" + whole[place:]


@given(st.integers(0, 10_000), st.sampled_from(["cut", "flip", "insert"]))
def test_any_damage_to_a_version_is_refused(place: int, what: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        state = LastGood(Path(directory), "flights")
        state.keep("v1", content("v1", size=100, signature=b"signature"))
        (file,) = state.directory.glob("*.version")
        file.write_bytes(damaged(file.read_bytes(), place, what))
        with pytest.raises(VersionRefused, match="is damaged; delete it") as caught:
            state.read("v1", digest("v1"))
        assert caught.value.reason == "last-good"
        state.keep("v1", content("v1", size=100))
        assert state.read("v1", digest("v1")) == content("v1", size=100), "a damaged file is replaced"


@given(st.integers(0, 10_000), st.sampled_from(["cut", "insert"]))
def test_damaged_pointers_are_refused_or_name_a_version_that_is_not_there(place: int, what: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        state = LastGood(Path(directory), "flights")
        state.keep("v1", content("v1"))
        state.point(Applied(saved("v1"), None))
        file = state.directory / "pointers.json"
        file.write_bytes(damaged(file.read_bytes(), place, what))
        with pytest.raises(VersionRefused):
            state.read(*dataclasses.astuple(state.applied().champion)[:2])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"champion": null}',
        '{"champion": {"version": "v1"}}',
        '{"champion": {"version": "../../v1", "digest": "' + "00" * 32 + '", "trial": null}}',
        '{"champion": {"version": "v1", "digest": "00", "trial": null}}',
        '{"champion": {"version": 1, "digest": "' + "00" * 32 + '", "trial": null}}',
        '{"champion": {"version": "v1", "digest": "' + "00" * 32 + '", "trial": 5}}',
        "[" * 100_000,
        " " * 2_000_000,
    ],
)
def test_senseless_pointers_are_refused(tmp_path: Path, text: str) -> None:
    state = LastGood(tmp_path, "flights")
    state.directory.mkdir()
    (state.directory / "pointers.json").write_text(text)
    with pytest.raises(VersionRefused, match="is damaged; delete it"):
        state.applied()


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"[]",
        b"5",
        b"\xff",
        b"[" * 4_000,
        b'{"format": 1, "model": "flights", "version": "v1", "sizes": [1], "sha256": "x"}',
        b'{"format": 1, "model": "flights", "version": "v1", "sizes": "abc", "sha256": "'
        b'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}',
        b'{"format": 1, "model": "flights", "version": "v1", "sizes": [5, -5, null], "sha256": "'
        b'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}',
        b"x" * 10_000,
    ],
)
def test_senseless_headers_are_refused(tmp_path: Path, header: bytes) -> None:
    state = LastGood(tmp_path, "flights")
    state.keep("v1", content("v1"))
    (file,) = state.directory.glob("*.version")
    file.write_bytes(header + b"\n")
    with pytest.raises(VersionRefused, match="is damaged"):
        state.read("v1", digest("v1"))


def test_a_file_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    LastGood(tmp_path, "flights").keep("v1", content("v1", size=100_000))
    with pytest.raises(VersionRefused):
        LastGood(tmp_path, "flights", limit=50_000).read("v1", digest("v1"))


def test_a_version_of_another_model_or_name_is_refused(tmp_path: Path) -> None:
    state, other = LastGood(tmp_path, "flights"), LastGood(tmp_path, "other")
    for of in (state, other):
        of.keep("v1", content("v1"))
    (file,), (from_other,) = state.directory.glob("*.version"), other.directory.glob("*.version")
    file.write_bytes(from_other.read_bytes())
    with pytest.raises(VersionRefused):
        state.read("v1", digest("v1"))


def test_other_bytes_of_the_same_version_are_refused(tmp_path: Path) -> None:
    state = LastGood(tmp_path, "flights")
    state.keep("v1", content("v1"))
    (file,) = state.directory.glob("*.version")
    other = digest("v1", good=False)
    file.rename(file.with_name(f"v1-{other.hex()[:32]}.version"))
    assert state.has("v1", other)
    with pytest.raises(VersionRefused, match="is damaged"):
        state.read("v1", other)


def test_old_versions_and_abandoned_halves_are_dropped(tmp_path: Path) -> None:
    state = LastGood(tmp_path, "flights")
    for number in range(10):
        state.keep(f"v{number}", content(f"v{number}"))
        (file,) = state.directory.glob(f"v{number}-*")
        os.utime(file, (1e9 + number, 1e9 + number))
    abandoned, fresh = state.directory / "v0-x.version.1.half", state.directory / "v0-x.version.2.half"
    for half, age in ((abandoned, 4_000), (fresh, 3_000)):
        half.write_bytes(b"half")
        os.utime(half, (1e9 + 100 - age, 1e9 + 100 - age))
    os.utime(file, (1e9 + 100, 1e9 + 100))
    state.keep("v3", content("v3"))
    names = sorted(file.name.split("-")[0] for file in state.directory.glob("*.version"))
    assert names == ["v3", "v5", "v6", "v7", "v8", "v9"]
    assert not abandoned.exists()


def test_pointing_at_a_version_keeps_its_file_young(tmp_path: Path) -> None:
    state = LastGood(tmp_path, "flights")
    state.keep("v1", content("v1"))
    for number in range(20):
        state.keep(f"trial{number}", content(f"trial{number}"))
        state.point(Applied(saved("v1"), saved(f"trial{number}", "{}")))
    assert state.read("v1", digest("v1")) == content("v1")


def work(directory: Path, number: int) -> None:
    state = LastGood(directory, "flights")
    for turn in range(40):
        version = f"v{(turn + number) % 5}"
        state.keep(version, content(version, size=200_000))
        state.point(Applied(saved(version), None))


def test_several_processes_write_and_a_reader_always_finds_a_whole_version(tmp_path: Path) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=work, args=(tmp_path, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    state, found = LastGood(tmp_path, "flights"), 0
    while any(worker.is_alive() for worker in workers):
        if (state.directory / "pointers.json").exists():
            champion = state.applied().champion
            assert state.read(champion.version, champion.digest) == content(champion.version, size=200_000)
            found += 1
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert found > 10
    assert len(list(state.directory.glob("*.version"))) == 5
    assert list(state.directory.glob("*.half")) == []


def test_names_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        LastGood(tmp_path, "../x")
    with pytest.raises(SettingsError):
        LastGood(tmp_path, "flights").keep("../x", content("v1"))
