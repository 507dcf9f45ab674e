"""The lock file: what it says is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import SandboxError
from sandbox.lock import Artefact, parse, pinned, render

WORD = st.text("abcxyz019.-_", min_size=1, max_size=12)
SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
ARTEFACT = st.builds(Artefact, WORD, WORD, WORD, SHA256, st.integers(0, 10**12))


@given(st.lists(ARTEFACT, unique_by=lambda artefact: artefact.file))
def test_what_is_written_is_read_back(artefacts: list[Artefact]) -> None:
    assert parse(render(artefacts)) == tuple(sorted(artefacts))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a:b:1",
        "a:b:1 sha256:12 7",
        f"a:b:1 sha256:{'0' * 64}",
        f"a:b/c:1 sha256:{'0' * 64} 7",
        f"a:b:1 {'0' * 64} 7",
    ],
)
def test_a_line_that_pins_nothing_is_refused(line: str) -> None:
    good = Artefact("g", "n", "1", "0" * 64, 5)
    with pytest.raises(SandboxError, match="line 2"):
        parse(render([good]) + line + "\n")


def test_two_pins_of_one_file_are_refused() -> None:
    one, other = Artefact("g", "n", "1", "0" * 64, 5), Artefact("h", "n", "1", "1" * 64, 5)
    with pytest.raises(SandboxError, match="twice"):
        parse(render([one, other]))


def test_where_a_jar_lies_in_a_repository() -> None:
    jar = Artefact("org.apache.kafka", "kafka_2.13", "4.3.1", "0" * 64, 5)
    assert jar.address == "org/apache/kafka/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar"


def test_the_lock_holds_one_version_of_kafka_and_all_its_parts() -> None:
    versions = {artefact.name: artefact.version for artefact in pinned() if artefact.group == "org.apache.kafka"}
    assert {"kafka_2.13", "kafka-clients", "kafka-server", "kafka-raft", "kafka-metadata"} <= versions.keys()
    assert set(versions.values()) == {versions["kafka_2.13"]}
    assert versions["kafka_2.13"].startswith("4.3.")
