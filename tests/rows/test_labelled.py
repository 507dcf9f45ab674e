"""The labels of a corpus, as the formats spell them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scorer import load
from scorer.errors import SchemaError
from scorer.registry.files import write_version
from scorer.rows import formats, labelled
from tests.integration.deployment import version


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ("yes,no,", [1, 0, np.nan]),
        ("1,0,", [1, 0, np.nan]),
        ("1.0,0.0,", [1, 0, np.nan]),
        ("True,False,", [1, 0, np.nan]),  # as pandas writes them
        ("true,FALSE,yes", [1, 0, 1]),
    ],
)
def test_a_label_is_a_class_its_place_or_whether_it_is_the_second(
    tmp_path: Path, cells: str, labels: list[float]
) -> None:
    np.testing.assert_array_equal(_labels(tmp_path, cells), labels)


def test_a_label_that_is_none_of_the_classes_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="label 'perhaps' is none of the classes 'no', 'yes'"):
        _labels(tmp_path, "yes,perhaps")


def _labels(directory: Path, cells: str) -> object:
    write_version(directory / "v1", version("m", "v1"))
    file = directory / "corpus.csv"
    file.write_text("x,label\n" + "".join(f"0.5,{cell}\n" for cell in cells.split(",")))
    with formats.reading(file, "csv", formats.Spelling()) as reader:
        return labelled.scored(load(directory / "v1").model, reader, "label", None).labels
