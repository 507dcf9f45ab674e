"""``scorer models import-table``: a table of coefficients becomes a version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from scorer.cli import output
from scorer.cli.importing import Out, Serial, differences, next_serial, next_step, show_differences
from scorer.cli.options import COEFFICIENTS
from scorer.cli.output import Json
from scorer.errors import SettingsError, VersionRefused

Pairs = list[str] | None


def import_table(
    table: Annotated[Path, typer.Argument(help="The table: CSV with a column of terms and one of estimates.")],
    model: Annotated[str, typer.Option(help="The model's name.")],
    version: Annotated[str, typer.Option(help="The version's name.")],
    rows: Annotated[
        Path, typer.Option(help="Raw rows to prove it on: .parquet or .csv, with the columns of the terms.")
    ],
    family: Annotated[str, typer.Option(help="gaussian, binomial, multinomial, poisson or gamma.")],
    link: Annotated[str | None, typer.Option(help="identity, log or logit. Default: the family's usual one.")] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="The classes, with commas between; of two, the estimates speak for the second."),
    ] = None,
    reference: Annotated[Pairs, typer.Option(help="NAME=LEVEL, the level of a category without a term.")] = None,
    complete: Annotated[Pairs, typer.Option(help="A category of which every level has a term.")] = None,
    unseen: Annotated[
        str, typer.Option(help="Rows with an unknown level: refuse, as R and statsmodels do, or zero.")
    ] = "refuse",
    fill: Annotated[
        Pairs, typer.Option(help="NAME=VALUE, what counts where there is no value; else the row is refused.")
    ] = None,
    estimate: Annotated[str | None, typer.Option(help="The column of estimates, where its name does not say.")] = None,
    expected: Annotated[
        str | None, typer.Option(help="The column of the rows with the program's own predictions, to be met.")
    ] = None,
    within: Annotated[
        float, typer.Option(min=0.0, help="How near these must be, for estimates are printed rounded.")
    ] = 1e-6,
    trained_with: Annotated[str, typer.Option(help="The program that fitted it, and its release.")] = "table 1",
    serial: Serial = None,
    out: Out = COEFFICIENTS,
    as_json: Json = False,
) -> None:
    """Make a version from a table of coefficients (R, Weka …).

    What the table does not say must be said with options; nothing is guessed. The version is held against a calculation
    in plain pandas, term by term from the table, and with --expected against the program's own predictions. Exit code
    13 where the table cannot be represented, 4 where the version does not score as the table says.
    """
    # The importers, pandas and compiled code, for which the other commands need not wait.
    from scorer.importers import import_model  # noqa: PLC0415
    from scorer.importers import table as tables  # noqa: PLC0415
    from scorer.importers.estimates import Treatment  # noqa: PLC0415
    from scorer.importers.rows import read  # noqa: PLC0415
    from scorer.registry.files import write_version  # noqa: PLC0415

    if unseen not in ("refuse", "zero"):
        raise SettingsError(f"--unseen {unseen}: say refuse or zero")
    program, _, release = trained_with.rpartition(" ")
    if not program:
        raise SettingsError(f"--trained-with {trained_with!r}: name the program and its release, as in 'R 4.4.1'")
    treatment = Treatment(
        family=family,
        link=link,
        classes=tuple(classes.split(",")) if classes else (),
        references=_pairs(reference, "--reference"),
        complete=frozenset(complete or ()),
        unseen=unseen,
        fills=_pairs(fill, "--fill"),
        estimate=estimate,
        program=(program, release),
    )
    given = read(rows)
    source = tables.TableSource(table, treatment, given)
    away = None if expected is None else source.away(given, expected)
    if away is not None and not away <= within:
        raise VersionRefused(
            "proof",
            f"the predictions in {expected!r} are {away:.3g} away from what the table says; if that is because "
            "estimates are rounded, print them with more digits, or say --within",
        )
    target = out / model / version
    number = next_serial(target) if serial is None else serial
    imported = import_model(source, model=model, version=version, rows=given, serial=number)
    write_version(target, imported.stored)
    compared = "plain pandas, term by term" if away is None else f"plain pandas, and {expected!r} of the rows"
    facts = {
        "directory": str(target),
        "compared_with": compared,
        "expected_away": away,
        "differences": differences(imported),
    }

    def text() -> None:
        output.line(f"{target} is written; it was held against {compared}")
        show_differences(imported)
        if away is not None:
            output.line(f"the program's own predictions are {away:.3g} away at most")

    output.emit(as_json, facts, text)
    next_step(target)


def _pairs(said: Sequence[str] | None, option: str) -> dict[str, str]:
    found = {}
    for text in said or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise SettingsError(f"{option} {text!r}: write NAME=VALUE")
        found[name] = value
    return found
