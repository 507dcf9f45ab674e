"""``scorer models``: list and show; the other ones are in files of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from scorer.cli import baseline, cases, diff, import_table, importing, output, pushing, signing
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.model import manifest
from scorer.model.manifest import Manifest
from scorer.registry import audit, files, pointers, versions
from scorer.registry.audit import Entry
from scorer.registry.pointers import Pointers
from scorer.registry.signatures import Standing, Trust
from scorer.registry.trial import Trial

app = typer.Typer()
app.command("test")(cases.run_tests)
app.command("baseline")(baseline.baseline)
app.command("add-case")(cases.add_case)
app.command("sign")(signing.sign)
app.command("diff")(diff.diff)
app.command("import")(importing.import_)
app.command("import-table")(import_table.import_table)
app.command("push")(pushing.push)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the versions in Redis, and which of them pointers name."""
    session = Session.of(context)
    said = pointers.read(session.redis, session.keys)
    named = _named(said)
    found = versions.stored(session.redis, session.keys)
    facts = [_listed(one, session.trust, named.get(one.version, [])) for one in found]
    rows = [
        (
            fact["version"],
            str(fact["digest"])[:8],
            f"{fact['size']:,}",
            fact["signature"],
            fact["problem"],
            ", ".join(named.get(str(fact["version"]), [])),
        )
        for fact in facts
    ]

    def text_() -> None:
        if rows:
            output.table(("version", "digest", "bytes", "signature", "problem", "pointers"), rows)
        else:
            output.line(f"no version of {session.keys.model} is in Redis: scorer models push DIRECTORY")

    output.emit(as_json, facts, text_)


@app.command()
def show(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A version in Redis, or a directory.")],
    as_json: Json = False,
) -> None:
    """Show what a version is made of, and who pushed it when."""
    session = Session.of(context)
    directory = files.directory(version)
    if directory is not None:
        stored = files.read_version(directory)
        head, pushed = (
            versions.Head(stored.manifest, stored.signature, len(stored.manifest) + len(stored.tensors)),
            None,
        )
    else:
        head = versions.head(session.redis, session.keys, version)
        entries = audit.newest_first(session.redis, session.keys)
        pushed = next((entry for entry in entries if entry.kind == "push" and entry.new == version), None)
    facts = _described(manifest.parse(head.manifest), head, session.trust, pushed)

    def text() -> None:
        inputs = facts.pop("inputs")
        output.pairs({name: _worded(value) for name, value in facts.items()})
        output.line("")
        assert isinstance(inputs, list)  # noqa: S101  # put there by _described
        output.table(
            ("input", "dtype", "nullable"), [tuple(_worded(value) for value in one.values()) for one in inputs]
        )

    output.emit(as_json, facts, text)


app.command("verify")(pushing.verify)


def _named(said: Pointers) -> dict[str, list[str]]:
    """The pointers that name each version."""
    named: dict[str, list[str]] = {}
    if isinstance(said.champion, str):
        named.setdefault(said.champion, []).append("champion")
    for version in said.challengers if isinstance(said.challengers, tuple) else ():
        named.setdefault(version, []).append("challenger")
    if isinstance(said.trial, Trial):
        named.setdefault(said.trial.version, []).append("trial")
    return named


def _problem(head: versions.Head, trust: Trust) -> str | None:
    """Why scorers would not trust a version; or what is wrong with a signature that none of them needs."""
    refusal = trust.refusal(head.manifest, head.signature)
    if refusal is not None:
        return str(refusal)
    return None if head.signature is None else trust.standing(head.manifest, head.signature).problem


def _listed(one: versions.Stored, trust: Trust, named: list[str]) -> dict[str, object]:
    """One line of the list: what the version is, how it is signed, and why scorers would not take it."""
    standing, problem = Standing(None, None, "not signed"), None
    if one.head is not None:
        standing, problem = trust.standing(one.head.manifest, one.head.signature), _problem(one.head, trust)
    if not one.complete:
        problem = "incomplete: push it again"
    return {
        "version": one.version,
        "size": one.size,
        "digest": one.digest.hex(),
        "signature": standing.text,
        "signed_by": standing.by,
        "complete": one.complete,
        "problem": problem,
        "pointers": named,
    }


def _described(parsed: Manifest, head: versions.Head, trust: Trust, pushed: Entry | None) -> dict[str, object]:
    return {
        "model": parsed.model,
        "version": parsed.version,
        "digest": head.digest.hex(),
        "serial": parsed.serial,
        "bytes": head.size,
        "signature": trust.standing(head.manifest, head.signature).text,
        "problem": _problem(head, trust),
        "trained_with": f"{parsed.trained_with.library} {parsed.trained_with.version}",
        "preparation": [step.name for step in parsed.pipeline],
        "kernel": parsed.kernel.name,
        "outputs": parsed.outputs.kind,
        "classes": list(parsed.outputs.classes),
        "tensors": len(parsed.blob.tensors),
        "golden_rows": len(parsed.golden.inputs),
        "profile": parsed.profile is not None,
        "pushed_by": None if pushed is None else pushed.actor,
        "pushed_at": None if pushed is None else output.when(pushed.at * 1e3),
        "commit": None if pushed is None else pushed.commit,
        "reason": None if pushed is None else pushed.reason,
        "inputs": [{"name": one.name, "dtype": one.dtype, "nullable": one.nullable} for one in parsed.inputs],
    }


def _worded(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else value
