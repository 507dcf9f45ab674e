"""``scorer keys``: new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorer.cli import output
from scorer.cli.output import Json
from scorer.registry import key_files

app = typer.Typer()


@app.command()
def new(
    place: Annotated[
        Path, typer.Argument(metavar="NAME", help="NAME.key and NAME.pub are written; or a directory for both.")
    ],
    as_json: Json = False,
) -> None:
    """Make a pair of keys (Ed25519) to sign versions with.

    The private key is written for you alone, is not encrypted and is never printed. The public key is one line of text,
    to be put into scorer.public_keys.
    """
    made = key_files.new(place)
    facts = {"private": str(made.private), "public": str(made.public), "public_key": made.text}

    def text() -> None:
        output.pairs({"private key": f"{made.private} (keep it to yourself)", "public key": made.public})
        output.line("")
        output.line(f'public_keys = ["{made.text}"]')
        output.note("put this line into [scorer] of the settings; sign with: scorer models sign DIRECTORY --key "
                    f"{made.private}")  # fmt: skip

    output.emit(as_json, facts, text)
