"""``scorer models import``: a model of a training library becomes a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.cli import output
from scorer.cli.options import COEFFICIENTS
from scorer.cli.output import Json
from scorer.errors import VersionRefused

if TYPE_CHECKING:
    from scorer.importers import Difference, Imported

Serial = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="The version's serial. Default: one more than the largest of the model's versions in OUT.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="Where versions are; it is written to OUT/MODEL/VERSION.")]

_COLUMNS = ("compared", "rows", "largest difference", "relative", "allowed")


def import_(
    source: Annotated[
        Path,
        typer.Argument(help="skops (scikit-learn), XGBoost .json or .ubj, LightGBM .txt. Pickles must be allowed."),
    ],
    model: Annotated[str, typer.Option(help="The model's name.")],
    version: Annotated[str, typer.Option(help="The version's name.")],
    rows: Annotated[Path, typer.Option(help="Raw rows like those it was trained on: .parquet or .csv.")],
    serial: Serial = None,
    classes: Annotated[
        str | None, typer.Option(help="Names for the classes, in the library's order, with commas between.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="What a model was fitted on that knows no names: columns of the rows, with commas between."),
    ] = None,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read a pickle or joblib file. It runs code: only if you made it.")
    ] = False,
    trust: Annotated[
        list[str] | None, typer.Option(help="A type in a skops file that may be built though it is not scikit-learn's.")
    ] = None,
    out: Out = COEFFICIENTS,
    as_json: Json = False,
) -> None:
    """Make a version of a model of scikit-learn, XGBoost or LightGBM.

    The rows are scored by both, and odd ones made from them: without values, with unseen categories, on thresholds.
    The differences are printed. Exit code 13 where the model cannot be represented exactly, 4 where the version does
    not score as the library does; then nothing is written.
    """
    # The importers, pandas and compiled code, for which the other commands need not wait.
    from scorer.importers import import_model  # noqa: PLC0415
    from scorer.registry.files import write_version  # noqa: PLC0415

    target = out / model / version
    imported = import_model(
        source,
        model=model,
        version=version,
        rows=rows,
        serial=next_serial(target) if serial is None else serial,
        classes=None if classes is None else classes.split(","),
        columns=None if columns is None else tuple(columns.split(",")),
        allow_pickle=allow_pickle,
        trust=tuple(trust or ()),
    )
    write_version(target, imported.stored)
    facts = {"directory": str(target), "differences": differences(imported), "notes": imported.notes}

    def text() -> None:
        output.line(f"{target} is written; it scores as the library does:")
        show_differences(imported)
        for note in imported.notes:
            output.line(note)

    output.emit(as_json, facts, text)
    next_step(target)


def differences(imported: Imported) -> list[dict[str, object]]:
    """What was compared, for ``--json``."""
    return [
        {"what": one.what, "rows": one.rows, "absolute": one.absolute, "relative": one.relative}
        for one in imported.differences
    ]


def show_differences(imported: Imported) -> None:
    """What was compared, for people."""
    output.table(_COLUMNS, [_row(one) for one in imported.differences])


def next_serial(target: Path) -> int:
    """One more than the largest serial of the versions beside ``target``; its own where it is there already.

    Raises ``VersionRefused`` where a manifest there cannot be read.
    """
    from scorer.model import manifest  # noqa: PLC0415
    from scorer.registry.files import MANIFEST  # noqa: PLC0415

    def serial(file: Path) -> int:
        try:
            return manifest.parse(file.read_bytes()).serial
        except VersionRefused as error:
            raise VersionRefused(error.reason, f"{file}: {error}; its serial is not known, so say --serial") from None

    if (target / MANIFEST).is_file():
        return serial(target / MANIFEST)
    return 1 + max(map(serial, target.parent.glob(f"*/{MANIFEST}")), default=0)


def next_step(target: Path) -> None:
    """Say what a version needs that was just written."""
    from scorer.cases.folder import Folder  # noqa: PLC0415  # compiled code

    case, test = Folder(target).contrived, f"scorer models test {target}"
    others = sorted(target.parent.glob(f"*/{case.relative_to(target)}"))
    if case.is_file():
        output.note(f"next: {test}")
    elif others:
        output.note(f"next: cp -r {others[-1].parent} {target}/, or write cases of its own, then: {test}")
    else:
        output.note(
            f"next: write a row whose outcome you understand to {case} (docs/regression-tests.md shows one), "
            f"then: {test}"
        )


def _row(one: Difference) -> tuple[str, str, str, str, str]:
    allowed = f"{one.atol:.3g} + {one.rtol:.3g} of the value" if one.atol or one.rtol else "none"
    return one.what, f"{one.rows:,}", f"{one.absolute:.3g}", f"{one.relative:.3g}", allowed
