"""``scorer models sign``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorer.cli import output
from scorer.cli.output import Json
from scorer.registry import files, key_files, signatures


def sign(
    directory: Annotated[Path, typer.Argument(help="The version's directory, as in coefficients/M/V.")],
    key: Annotated[Path, typer.Option(help="The private key, as made by: scorer keys new.")],
    as_json: Json = False,
) -> None:
    """Sign a version.

    Scorers with a pinned public key let it score then. It must pass every check of its own first. Writes the file
    signature beside the manifest, which changes neither version nor digest; exit code 6 where another one is there.
    """
    from scorer.model import golden  # noqa: PLC0415  # compiled code, for which the other commands need not wait

    private = key_files.read_private(key)
    stored = files.read_version(directory)
    admitted = golden.admit(stored)
    signature = signatures.sign(stored.manifest, private)
    already = files.write_signature(directory, signature.to_bytes())
    facts = {
        "model": admitted.manifest.model,
        "version": admitted.manifest.version,
        "serial": admitted.manifest.serial,
        "digest": admitted.digest.hex(),
        "signed_by": signature.by,
        "already": already,
    }
    about = f"{facts['model']} {facts['version']} ({admitted.digest.hex()[:8]}), serial {facts['serial']}"
    words = "was signed already by" if already else "is signed by"
    output.emit(as_json, facts, lambda: output.line(f"{about}, {words} {signature.by}"))
