"""Keys and signatures as files."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scorer.errors import RegistryConflict, SettingsError
from scorer.registry import files, key_files
from scorer.registry.signatures import public_text
from tests.registry.test_signatures import OTHER, SIGNED, version


def test_a_new_pair_of_keys(tmp_path: Path) -> None:
    made = key_files.new(tmp_path / "release")
    assert stat.S_IMODE(made.private.stat().st_mode) == 0o600
    assert made.public.read_text() == f"{made.text}\n"
    assert public_text(key_files.read_private(made.private)) == made.text
    assert key_files.new(tmp_path).private == tmp_path / "scorer.key"
    for place in (tmp_path / "release", tmp_path):
        with pytest.raises(SettingsError, match="never overwritten"):
            key_files.new(place)
    with pytest.raises(SettingsError, match="cannot be written"):
        key_files.new(tmp_path / "nowhere" / "key")


def test_a_private_key_that_others_may_read_or_that_is_none(tmp_path: Path) -> None:
    made = key_files.new(tmp_path / "release")
    made.private.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read"):
        key_files.read_private(made.private)
    made.public.chmod(0o600)
    with pytest.raises(SettingsError, match="is not an unencrypted Ed25519 private key"):
        key_files.read_private(made.public)
    with pytest.raises(SettingsError, match="cannot be read"):
        key_files.read_private(tmp_path / "none")


def test_a_signature_is_put_beside_the_version_once(tmp_path: Path) -> None:
    directory = tmp_path / "v1"
    files.write_version(directory, replace(SIGNED, signature=None))
    signature = SIGNED.signature or b""
    assert not files.write_signature(directory, signature)
    assert files.write_signature(directory, signature)
    assert files.read_version(directory) == SIGNED
    with pytest.raises(RegistryConflict, match="another signature"):
        files.write_signature(directory, version(key=OTHER).signature or b"")
    assert sorted(path.name for path in directory.iterdir()) == [files.MANIFEST, files.SIGNATURE, files.TENSORS]


def test_what_is_not_signed_waits_for_no_cryptography() -> None:
    code = (
        "import sys, scorer.service.worker, scorer.registry.signatures\n"
        "from scorer.registry.signatures import Trust\n"
        "Trust().check_signature(b'', None)\n"
        "assert 'cryptography.hazmat.primitives.asymmetric.ed25519' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
