"""The command ``sandbox``."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sandbox.errors import SandboxError
from sandbox.fetch import cache_directory
from sandbox.install import install
from sandbox.lock import FILE, pinned, render
from sandbox.progress import say
from sandbox.services import Services, services

app = typer.Typer(
    help="A real Apache Kafka and a real Valkey on this machine, from packages: no Docker, no Java, no root.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def main() -> None:
    """Run the command; an error of the sandbox is one message and exit code 1."""
    try:
        app()
    except SandboxError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"sandbox: {error}", style="red", markup=False)
        raise SystemExit(1) from None


@app.command()
def up(
    brokers: Annotated[
        int | None,
        typer.Option(min=1, max=9, help="How many Kafka brokers: 1 if not given, or as many as --data holds."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Keep everything in this directory, for the next start.")] = None,
    as_json: Json = False,
) -> None:
    """Start Kafka and Valkey, say where they are, and run until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means what it says
            signal.signal(number, signal.default_int_handler)
    try:
        begin = time.monotonic()
        with services({}, brokers=brokers, data=data) as found:
            typer.echo(_where(found, time.monotonic() - begin, as_json))
            _watch(found)
    except KeyboardInterrupt:
        say("stopped")


@app.command()
def fetch(as_json: Json = False) -> None:
    """Bring everything that Kafka needs into the cache, so that 'up' needs no network and starts quickly."""
    installation = install()
    jars, size = len(installation.jars), sum(artefact.size for artefact in pinned())
    cache = cache_directory(os.environ)
    facts = {"cache": str(cache), "jars": jars, "bytes": size, "startup_cache": installation.startup is not None}
    text = f"Kafka is ready in {cache}: {jars} verified jars, {size / 1e6:.0f} MB"
    typer.echo(json.dumps(facts) if as_json else text)


@app.command()
def lock(as_json: Json = False) -> None:
    """Find anew which jars Kafka consists of and write their checksums to kafka.lock. For developers only."""
    from sandbox import maven  # noqa: PLC0415  # slow to import, and hardly ever needed

    before = {artefact.coordinate for artefact in pinned()}
    found = maven.resolve()
    if set(found) != set(pinned()):  # a newer file would have everybody set up anew
        FILE.write_text(render(found), encoding="ascii")
    now = {artefact.coordinate for artefact in found}
    facts = {"file": str(FILE), "jars": len(now), "added": sorted(now - before), "removed": sorted(before - now)}
    text = f"{FILE}: {len(now)} jars, {len(now - before)} new, {len(before - now)} gone"
    typer.echo(json.dumps(facts) if as_json else text)


def _where(found: Services, seconds: float, as_json: bool) -> str:
    kafka, valkey = found.kafka, found.valkey
    logs = [*(str(broker.log) for broker in kafka.brokers)] if kafka else []
    logs += [str(valkey.log)] if valkey else []
    if as_json:
        return json.dumps({"bootstrap": found.bootstrap, "redis_url": found.redis_url, "logs": logs})
    return "\n".join(
        [
            f"Kafka   {found.bootstrap}",
            f"Valkey  {found.redis_url}",
            *(f"log     {log}" for log in logs),
            "",
            "In other terminals:",
            *(f"    export {name}={value}" for name, value in found.environment.items()),
            "",
            f"Ready after {seconds:.1f} s. Ctrl-C stops both.",
        ]
    )


def _watch(found: Services) -> None:
    """Return never: a signal ends it, or one of the services that has ended."""
    pause = threading.Event()
    while True:
        if found.kafka:
            found.kafka.check()
        if found.valkey:
            found.valkey.check()
        pause.wait(0.5)


if __name__ == "__main__":
    main()
