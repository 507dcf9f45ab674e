"""Brings the pinned jars into a cache directory, several at once, each verified before it counts.

A file appears under its final name only when it is complete and hashes to its pin, so neither an interruption nor
a second process can leave half a file behind. Only one process at a time downloads into a cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from sandbox.errors import Corrupt, Unavailable
from sandbox.lock import Artefact
from sandbox.progress import Downloads, say

VARIABLE = "SANDBOX_CACHE"

_AT_ONCE = 8
_PAUSES = (0.5, 1.5, 0.0)  # after each try
_PART = ".part"

# The start-up cache of the Java machine is tied to the jars' modification times; a fixed one (the seconds of
# 2020-01-01) keeps it valid when they are fetched anew.
_MODIFIED = 1_577_836_800


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where fetched files are kept: ``SANDBOX_CACHE``, else ``scorer/sandbox`` in the user's cache directory."""
    if chosen := environment.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "scorer" / "sandbox"


def fetch(artefacts: Sequence[Artefact], cache: Path, repositories: Sequence[str] | None = None) -> list[Path]:
    """The jars as verified files in ``cache``, in the order of ``artefacts``; what is missing is downloaded.

    ``repositories`` are addresses of Maven repositories, tried in turn; by default those that jgo knows.
    Raises ``Unavailable`` when a file cannot be had, ``Corrupt`` when one is not what was pinned.
    """
    directory = cache / "jars"
    if missing := _missing(artefacts, directory):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"the cache directory {cache} cannot be made ({error}); set {VARIABLE}") from error
        with only_one(cache):
            missing = _missing(artefacts, directory)
            for part in directory.glob(f"*{_PART}"):
                part.unlink()
            if missing:
                _download_all(missing, directory, repositories)
    return [directory / artefact.file for artefact in artefacts]


@contextlib.contextmanager
def only_one(cache: Path) -> Iterator[None]:
    """Hold the cache's lock, which ends with this process whatever happens to it; wait while another holds it."""
    with (cache / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that fills {cache}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _missing(artefacts: Sequence[Artefact], directory: Path) -> list[Artefact]:
    """Those that are not in the directory. One that is there with other bytes is deleted, and ``Corrupt`` raised."""
    missing = []
    for artefact in artefacts:
        file = directory / artefact.file
        try:
            with file.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            missing.append(artefact)
            continue
        if found != artefact.sha256:
            file.unlink(missing_ok=True)
            raise _corrupt(artefact, f"the cached file {file}", found)
    return missing


def _corrupt(artefact: Artefact, what: str, found: str) -> Corrupt:
    return Corrupt(
        f"{what} is not {artefact.coordinate} as it was pinned: its sha256 is {found}, not {artefact.sha256}. "
        "It has been deleted; run the command again to download it anew."
    )


def _download_all(artefacts: Sequence[Artefact], directory: Path, repositories: Sequence[str] | None) -> None:
    from sandbox import maven  # noqa: PLC0415  # slow to import, and hardly ever needed

    addresses = repositories or list(maven.repositories().values())
    stop = threading.Event()
    with Downloads(len(artefacts), sum(a.size for a in artefacts)) as progress, ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [pool.submit(_download, a, directory, addresses, progress, stop) for a in artefacts]
        try:
            for one in as_completed(running):
                one.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(
    artefact: Artefact, directory: Path, repositories: Sequence[str], progress: Downloads, stop: threading.Event
) -> None:
    """One artefact to its final name. Tries each repository, and all of them again after a pause."""
    from sandbox import maven  # noqa: PLC0415  # as above

    part = directory / f"{artefact.file}.{os.getpid()}{_PART}"
    reasons: list[str] = []
    try:
        for pause in _PAUSES:
            for repository in repositories:
                received = 0
                try:
                    for count in maven.download(f"{repository}/{artefact.address}", part):
                        received += count
                        progress.received(count)
                        if stop.is_set():
                            return
                except OSError as error:  # what requests raises is an OSError too
                    progress.received(-received)
                    reasons.append(f"{type(error).__name__}: {error}")
                    continue
                _keep(part, artefact, directory)
                progress.finished()
                return
            if stop.wait(pause):
                return
    finally:
        part.unlink(missing_ok=True)
    raise Unavailable(
        f"{artefact.coordinate} is not in the cache {directory} and could not be downloaded. Check the network and the "
        "proxy settings (HTTPS_PROXY), then run 'sandbox fetch'; once that has worked, no network is needed. "
        f"The last try failed with {reasons[-1]}"
    )


def _keep(part: Path, artefact: Artefact, directory: Path) -> None:
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != artefact.sha256:
        raise _corrupt(artefact, "a downloaded file", found)
    os.utime(part, (_MODIFIED, _MODIFIED))
    part.replace(directory / artefact.file)
