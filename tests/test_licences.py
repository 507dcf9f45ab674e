"""What the run-time packages are licensed under: whoever ships this project must be able to ship them."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path(__file__).parents[1] / "locks" / "run.txt"
COPYLEFT = re.compile(r"(?<!L)GPL|Affero|(?<!Lesser )General Public", re.IGNORECASE)


def licences() -> dict[str, str]:
    """What each locked package that this machine needs says of its licence, by name."""
    lines = re.findall(r"^[^\s#].*?(?= \\$)", LOCK.read_text("utf-8"), re.MULTILINE)
    wanted = [Requirement(line) for line in lines]
    return {one.name: _said(one.name) for one in wanted if one.marker is None or one.marker.evaluate()}


def _said(package: str) -> str:
    facts = metadata(package)
    if expression := facts["License-Expression"]:
        return expression
    classifiers = [line.rpartition(" :: ")[2] for line in facts.get_all("Classifier") or [] if "License ::" in line]
    whole = (facts["License"] or "").strip().splitlines()  # some put the whole text there
    return ", ".join([*classifiers, *whole[:1]])


def test_no_package_is_under_a_licence_that_would_bind_this_project() -> None:
    found = licences()
    assert {"confluent-kafka", "numba", "numpy", "redis", "safetensors"} <= set(found)
    for package, text in found.items():
        assert text, f"{package} does not say under what licence it is"
        assert not COPYLEFT.search(text), f"{package} is under {text}"


def test_such_licences_are_recognised() -> None:
    for text in ("GPL-3.0-or-later", "AGPL-3.0", "GNU General Public License v2", "GNU Affero General Public License"):
        assert COPYLEFT.search(text)
    for text in ("LGPL-2.1", "GNU Lesser General Public License", "MIT", "Apache-2.0 WITH LLVM-exception"):
        assert not COPYLEFT.search(text)
