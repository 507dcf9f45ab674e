"""``scorer models diff``: what changes from one version to another, and how the scores of a sample move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scorer.cli import differences, output
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import SettingsError

if TYPE_CHECKING:
    from scorer.model.model import Model
    from scorer.model.version import VersionBytes

Facts = Mapping[str, Any]

_CASES = ("contrived", "outliers")


def diff(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="A version in Redis, or a directory.")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    sample: Annotated[
        Path | None, typer.Option(help="A file of rows to score with both: csv, jsonl, avro or parquet.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="The sample's format, if its ending does not say.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Show at most so many weights, and rows that move most.")] = 10,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions, and how scores move.

    Inputs, preparation, coefficients, outputs, training profile, golden rows and cases; with --sample, the quantiles of
    the difference of scores, the share of changed classes and the rows that move most. Both versions are checked as a
    scorer would. The exit code is 0 whether they differ or not.
    """
    # Compiled code, for which the other commands need not wait.
    from scorer.model import compare, golden, version  # noqa: PLC0415

    session = Session.of(context)
    stored = [_stored(session, text) for text in (before, after)]
    models = [golden.admit(one) for one in stored]
    facts: dict[str, Any] = {
        side: {"model": model.manifest.model, "version": model.manifest.version, "digest": model.digest.hex()}
        for side, model in zip(("before", "after"), models, strict=True)
    }
    facts |= compare.versions(*(version.load(one) for one in stored))
    facts["cases"] = _cases((before, after), models)
    facts["sample"] = None if sample is None else _moved(models, sample, form, top)
    output.emit(as_json, facts, lambda: differences.show(facts, top))


def _stored(session: Session, text: str) -> VersionBytes:
    from scorer.registry import files, versions  # noqa: PLC0415

    path = files.directory(text)
    return versions.fetch(session.redis, session.keys, text) if path is None else files.read_version(path)


def _cases(texts: Sequence[str], models: Sequence[Model]) -> Facts | None:
    """The cases by name that came, went or changed; ``None`` where one version is in Redis, which has no cases."""
    from scorer.cases import form  # noqa: PLC0415
    from scorer.cases.folder import Folder  # noqa: PLC0415
    from scorer.registry import files  # noqa: PLC0415

    directories = [files.directory(text) for text in texts]
    if None in directories:
        return None
    sides = []
    for text, model in zip(texts, models, strict=True):
        folder = Folder(Path(text))
        read = folder.read(model) if folder.contrived.is_file() else ([], folder.read_outliers(model))
        sides.append(dict(zip(_CASES, read, strict=True)))
    found = {}
    for kind in _CASES:
        old, new = (
            {case.name: form.to_json(case, model.inputs) for case in side[kind]}
            for side, model in zip(sides, models, strict=True)
        )
        if old != new:
            found[kind] = {
                "added": [name for name in new if name not in old],
                "removed": [name for name in old if name not in new],
                "changed": [name for name in old if name in new and old[name] != new[name]],
            }
    return found


def _moved(models: Sequence[Model], sample: Path, form: str | None, top: int) -> Facts:
    """How the scores of a file of rows move."""
    import numpy as np  # noqa: PLC0415

    from scorer.model.movement import movement  # noqa: PLC0415
    from scorer.model.table import Results  # noqa: PLC0415
    from scorer.rows import formats, predict  # noqa: PLC0415
    from scorer.rows.piece import PIECE  # noqa: PLC0415

    pieces: list[list[Results]] = [[], []]
    with formats.reading(sample, formats.format_of(sample, form), formats.Spelling()) as reader:
        for model in models:
            predict.require_columns(model, reader)
        for piece in reader.pieces(PIECE):
            for model, side in zip(models, pieces, strict=True):
                side.append(predict.score(model, piece)[0])
    if not pieces[0]:
        raise SettingsError(f"{sample} has no rows")
    before, after = (
        Results(
            np.concatenate([one.scores for one in side], axis=1),
            np.concatenate([one.flags for one in side]),
            np.concatenate([one.missing for one in side]),
        )
        for side in pieces
    )
    try:
        return movement(models[0], before, models[1], after, top)
    except ValueError as error:
        raise SettingsError(str(error)) from None
