"""``scorer models diff``: directories and versions in Redis, with and without a sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from scorer.cases import form
from scorer.cases.form import Bounds, Case
from scorer.registry import versions
from scorer.registry.files import read_version, write_version
from scorer.registry.keys import Keys
from tests.cli.conftest import Command
from tests.model import samples
from tests.rows import support


def test_two_directories(command: Command, tmp_path: Path) -> None:
    one = support.write(tmp_path)
    what = support.design()
    weights = what.kernel.arrays["coef"] * 1.5
    other = samples.with_tensors(what, what.kernel, coef=weights)
    write_version(tmp_path / "v2", samples.store(other))
    sample = support.put(tmp_path / "rows.jsonl", support.rows(200))
    ran = command("models", "diff", one, tmp_path / "v2", "--sample", sample, "--top", "3")
    assert ran.code == 0, ran
    for text in (
        "coefficients",
        "coef of logistic@1",
        "weight of",
        "sample of 200 rows",
        "change their class",
        "weights more",
    ):
        assert text in ran.out
    facts = command("models", "diff", one, tmp_path / "v2", "--sample", sample, "--top", "3", "--json").json
    assert facts["sample"]["rows"] == 200
    assert len(facts["sample"]["movers"]) == 3
    assert facts["inputs"] == {"added": [], "removed": [], "changed": {}}
    assert facts["cases"] == {}
    assert facts["sample"]["compared"] == 200
    support.put(sample, [*support.rows(199), {**support.rows(1)[0], "delay": "late"}])
    facts = command("models", "diff", one, tmp_path / "v2", "--sample", sample, "--json").json
    assert (facts["sample"]["rows"], facts["sample"]["compared"]) == (200, 199)
    same = command("models", "diff", one, one)
    assert "byte for byte" in same.out
    assert json.dumps(facts)


def test_cases_that_came(command: Command, tmp_path: Path) -> None:
    one = support.write(tmp_path)
    write_version(tmp_path / "v2", read_version(one))
    case = Case(
        "far", "It is far away, so it must be late.", (1.0, None, None, 1, None, "AA", None), Bounds(((0.0, 1.0),))
    )
    (tmp_path / "v2" / "cases").mkdir()
    (tmp_path / "v2" / "cases" / "contrived.json").write_bytes(form.write([case], support.INPUTS))
    ran = command("models", "diff", one, tmp_path / "v2")
    assert ran.code == 0, ran
    assert "+ far (contrived)" in ran.out


def test_mistakes(command: Command, tmp_path: Path) -> None:
    one = support.write(tmp_path)
    pd.DataFrame({"distance": [1.0]}).to_csv(tmp_path / "rows.csv", index=False)
    ran = command("models", "diff", one, one, "--sample", tmp_path / "rows.csv")
    assert ran.code == 3
    assert "there is no column 'delay'" in ran.err
    (tmp_path / "rows.csv").write_text(",".join(entry.name for entry in support.INPUTS) + "\n")
    assert command("models", "diff", one, one, "--sample", tmp_path / "rows.csv").code == 2
    write_version(tmp_path / "v2", samples.store(samples.forest([3])))
    support.put(tmp_path / "rows.jsonl", support.rows(2))
    ran = command("models", "diff", one, tmp_path / "v2", "--sample", tmp_path / "rows.jsonl")
    assert ran.code == 2
    assert "mean different things" in ran.err
    assert command("models", "diff", one, tmp_path / "none").code == 4


def test_versions_in_redis(
    command: Command, keys: Keys, make: Callable[..., Path], deployment: object, redis: object
) -> None:
    for name, slope in (("v1", 1.0), ("v2", 2.0)):
        versions.push(redis, keys, name, read_version(make(name, slope)), actor="tester", commit=None, reason="")  # type: ignore[arg-type]
    ran = command("models", "diff", "v1", "v2", "--json")
    assert ran.code == 0, ran
    assert ran.json["cases"] is None
    assert [fact["change"] for fact in ran.json["weights"]] == [1.0]
