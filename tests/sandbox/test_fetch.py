"""The fetching of jars, against a real HTTP server on this machine in the place of a Maven repository."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.errors import Corrupt, Unavailable
from sandbox.fetch import cache_directory, fetch
from sandbox.lock import Artefact, render
from tests.sandbox.support import await_true, environment

NOWHERE = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}


@dataclass
class Repository:
    """A Maven repository. ``answers`` may replace what it does for an address: status, body, announced length."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Callable[[], tuple[int, bytes, int]]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, content: bytes) -> Artefact:
        artefact = Artefact("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content))
        self.files[f"/{artefact.address}"] = content
        return artefact


@pytest.fixture
def repository() -> Iterator[Repository]:
    served = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked[self.path] += 1
            content = served.files.get(self.path)
            status, body, length = 404, b"", 0
            if self.path in served.answers:
                status, body, length = served.answers[self.path]()
            elif content is not None:
                status, body, length = 200, content, len(content)
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that is overridden
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def names(cache: Path) -> set[str]:
    return {file.name for file in (cache / "jars").iterdir()}


def test_missing_files_are_downloaded_once_and_given_in_order(repository: Repository, tmp_path: Path) -> None:
    wanted = [repository.add(f"part{i}", os.urandom(100_000)) for i in range(20)]
    files = fetch(wanted, tmp_path, [repository.address])
    assert [file.read_bytes() for file in files] == [repository.files[f"/{one.address}"] for one in wanted]
    assert fetch(wanted, tmp_path, [repository.address]) == files
    assert set(repository.asked.values()) == {1}
    assert names(tmp_path) == {one.file for one in wanted}


def test_a_download_with_other_bytes_is_an_error_and_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    wanted = repository.add("part", b"what was pinned")
    repository.files[f"/{wanted.address}"] = b"something other"
    with pytest.raises(Corrupt, match=rf"org\.example:part:1.0 .*not {wanted.sha256}"):
        fetch([wanted], tmp_path, [repository.address])
    assert names(tmp_path) == set()


def test_a_cached_file_with_other_bytes_is_an_error_and_deleted(repository: Repository, tmp_path: Path) -> None:
    wanted = repository.add("part", b"what was pinned")
    (file,) = fetch([wanted], tmp_path, [repository.address])
    file.write_bytes(b"what was pinneD")
    with pytest.raises(Corrupt, match="cached file"):
        fetch([wanted], tmp_path, [repository.address])
    assert not file.exists()
    assert fetch([wanted], tmp_path, [repository.address]) == [file]
    assert file.read_bytes() == b"what was pinned"


def test_a_connection_that_breaks_off_is_tried_again(repository: Repository, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    wanted = repository.add("part", content)
    answers = iter([(200, content[:70_000], len(content)), (503, b"", 0), (200, content, len(content))])
    repository.answers[f"/{wanted.address}"] = lambda: next(answers)
    (file,) = fetch([wanted], tmp_path, [repository.address])
    assert file.read_bytes() == content


def test_a_file_that_never_comes_whole_is_an_error_and_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    wanted = repository.add("part", bytes(300_000))
    repository.answers[f"/{wanted.address}"] = lambda: (200, bytes(70_000), 300_000)
    with pytest.raises(Unavailable, match=r"org\.example:part:1\.0"):
        fetch([wanted], tmp_path, [repository.address])
    assert names(tmp_path) == set()


def test_the_next_repository_is_asked_for_what_the_first_lacks(repository: Repository, tmp_path: Path) -> None:
    wanted = repository.add("part", b"content")
    (file,) = fetch([wanted], tmp_path, [f"{repository.address}/mirror", repository.address])
    assert file.read_bytes() == b"content"


def fetcher(wanted: list[Artefact], cache: Path, repository: Repository) -> subprocess.Popen[bytes]:
    """Another process that fetches the same."""
    program = (
        "import sys; from pathlib import Path; from sandbox.fetch import fetch; from sandbox.lock import parse\n"
        "fetch(parse(sys.stdin.read()), Path(sys.argv[1]), [sys.argv[2]])"
    )
    command = [sys.executable, "-c", program, str(cache), repository.address]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(render(wanted).encode())
    process.stdin.close()
    process.stdin = None
    return process


def test_two_processes_that_fetch_at_once_download_once(repository: Repository, tmp_path: Path) -> None:
    wanted = [repository.add(f"part{i}", os.urandom(200_000)) for i in range(10)]
    first, second = fetcher(wanted, tmp_path, repository), fetcher(wanted, tmp_path, repository)
    errors = [process.communicate(timeout=60)[1].decode() for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], errors
    assert set(repository.asked.values()) == {1}
    assert names(tmp_path) == {one.file for one in wanted}


def test_after_a_kill_in_the_middle_the_next_fetch_is_whole(repository: Repository, tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    wanted = repository.add("part", content)
    release = threading.Event()

    def half() -> tuple[int, bytes, int]:
        return 200, content[:1_000_000], len(content)

    def stuck() -> tuple[int, bytes, int]:
        release.wait(60)
        return 503, b"", 0

    other = repository.add("other", b"other")
    repository.answers[f"/{wanted.address}"] = half
    repository.answers[f"/{other.address}"] = stuck
    process = fetcher([wanted, other], tmp_path, repository)
    await_true(
        lambda: repository.asked[f"/{wanted.address}"] and repository.asked[f"/{other.address}"], "both are asked"
    )
    await_true(lambda: any((tmp_path / "jars").glob("part*.part")), "a part of the file is there")
    process.kill()
    process.communicate(timeout=60)
    release.set()
    assert not names(tmp_path) & {wanted.file, other.file}

    repository.answers.clear()
    assert [file.read_bytes() for file in fetch([wanted, other], tmp_path, [repository.address])] == [content, b"other"]
    assert names(tmp_path) == {wanted.file, other.file}


def test_without_a_network_a_full_cache_is_enough(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = repository.add("part", b"content")
    fetch([wanted], tmp_path, [repository.address])
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    assert fetch([wanted], tmp_path)[0].read_bytes() == b"content"


def test_without_a_network_an_empty_cache_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.cli", "fetch"],
        env=environment(SANDBOX_CACHE=str(tmp_path), **NOWHERE),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "could not be downloaded. Check the network and the proxy settings" in done.stderr


def test_a_cache_that_cannot_be_made_names_the_variable(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(Unavailable, match="SANDBOX_CACHE"):
        fetch([repository.add("part", b"content")], tmp_path / "file" / "cache", [repository.address])


def test_progress_says_how_many_of_how_many(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [repository.add(f"part{i}", bytes(1_000_000)) for i in range(4)]
    fetch(wanted, tmp_path, [repository.address])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Kafka: 0 of 4 files, 0 of 4 MB fetched"
    assert lines[-1] == "Kafka: 4 of 4 files, 4 of 4 MB fetched"


@pytest.mark.parametrize(
    ("variables", "directory"),
    [
        ({"HOME": "/home/x"}, "~/.cache/scorer/sandbox"),
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/scorer/sandbox"),
        ({"XDG_CACHE_HOME": "/caches", "SANDBOX_CACHE": "/here"}, "/here"),
    ],
)
def test_where_the_cache_is(variables: dict[str, str], directory: str) -> None:
    assert cache_directory(variables) == Path(directory).expanduser()
