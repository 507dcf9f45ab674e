"""One suite over all preparation steps and kernels: whatever is added must pass it, and must be added to SAMPLES."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from scorer.batch import Columns, Floats, Kind, Layout
from scorer.errors import VersionRefused
from scorer.model import golden, reference
from scorer.model.canonical import encode
from scorer.model.combining import COMBINING
from scorer.model.kernels import KERNELS
from scorer.model.model import Model
from scorer.model.preparation import STEPS
from scorer.model.table import Results, Values, table
from scorer.model.version import VersionBytes, load
from tests.conformance.samples import SAMPLES
from tests.model import samples

CASES = {name: sample.design for name, sample in SAMPLES.items()}
STORED = {name: samples.store(what) for name, what in CASES.items()}
ROWS = 600

ABSENT = object()

each_case = pytest.mark.parametrize("name", CASES)


def model_of(name: str) -> Model:
    return golden.admit(STORED[name])


def bits(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(scores).view(np.int64)


def score(model: Model, layout: Layout, columns: Columns, rows: npt.NDArray[np.int64]) -> Results:
    """Scores of ``rows``; every place that must not be written to holds a mark."""
    capacity = columns.capacity
    results = Results(
        np.full((model.n_outputs, capacity), -7.0), np.full(capacity, 77, np.uint8), np.full(capacity, -77, np.int32)
    )
    model.bind(layout).score(columns, rows, results.scores, results.flags, results.missing)
    return results


def test_every_algorithm_of_the_closed_lists_is_in_this_suite() -> None:
    parts = [part for what in CASES.values() for part in (*what.steps, what.kernel)]
    absent = sorted({*STEPS, *COMBINING, *KERNELS} - {part.name for part in parts})
    assert not absent, f"add a sample of {absent} in tests/conformance/samples"
    absent = sorted(set(KERNELS) - {what.kernel.name for what in CASES.values()})
    assert not absent, f"add a sample that ends with {absent} in tests/conformance/samples"


@each_case
@pytest.mark.parametrize("seed", [11, 12])
def test_compiled_equals_plain_numpy(name: str, seed: int) -> None:
    values = samples.raw_values(CASES[name], ROWS, seed)
    for model in SAMPLES[name].models():
        expected = reference.score(model, values, ROWS)
        got = golden.score(model, table(model.inputs, values, ROWS))
        np.testing.assert_array_equal(got.flags, expected.flags)
        np.testing.assert_array_equal(got.missing, expected.missing)
        assert (got.missing < 0).any()
        assert (got.missing >= 0).any() or all(entry.nullable for entry in model.inputs)
        if SAMPLES[name].ulps:
            np.testing.assert_array_max_ulp(got.scores, expected.scores, maxulp=SAMPLES[name].ulps)
        else:
            np.testing.assert_array_equal(got.scores, expected.scores)
            assert same_zeros(got.scores, expected.scores)


def same_zeros(one: Floats, other: Floats) -> bool:
    """Whether both have the same sign wherever they are 0."""
    return bool((np.signbit(one) == np.signbit(other))[(one == 0) | (other == 0)].all())


@each_case
def test_bits_do_not_depend_on_the_batch_size(name: str) -> None:
    model = model_of(name)
    raw = table(model.inputs, samples.raw_values(CASES[name], ROWS, 13), ROWS)
    whole = score(model, raw.layout, raw.columns, raw.rows)
    bound = model.bind(raw.layout)
    for size in (1, 2, 7, 8, 9, 13, 255, 256, 257, ROWS - 1):
        parts = Results(np.zeros_like(whole.scores), np.zeros_like(whole.flags), np.zeros_like(whole.missing))
        for start in range(0, ROWS, size):
            bound.score(raw.columns, raw.rows[start : start + size], *parts)
        np.testing.assert_array_equal(bits(parts.scores), bits(whole.scores))
        np.testing.assert_array_equal(parts.flags, whole.flags)
        np.testing.assert_array_equal(parts.missing, whole.missing)


@each_case
def test_bits_do_not_depend_on_order_place_or_selection(name: str) -> None:
    model = model_of(name)
    raw = table(model.inputs, samples.raw_values(CASES[name], ROWS, 14), ROWS)
    whole = score(model, raw.layout, raw.columns, raw.rows)
    rng = np.random.default_rng(0)
    for count in (ROWS, 300, 20, 3):
        rows = rng.permutation(ROWS)[:count]
        got = score(model, raw.layout, raw.columns, rows)
        np.testing.assert_array_equal(bits(got.scores[:, rows]), bits(whole.scores[:, rows]))
        np.testing.assert_array_equal(got.flags[rows], whole.flags[rows])
        np.testing.assert_array_equal(got.missing[rows], whole.missing[rows])
        others = np.setdiff1d(np.arange(ROWS), rows)
        assert (got.scores[:, others] == -7).all()
        assert (got.flags[others] == 77).all()
        assert (got.missing[others] == -77).all()


def join(first: Values, second: Values) -> Values:
    if isinstance(first, list):
        assert isinstance(second, list)
        return first + second
    assert not isinstance(second, list)
    return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])


@each_case
def test_bits_do_not_depend_on_neighbours(name: str) -> None:
    """The same row among other rows: shifted to another lane of the same vector instruction, and alone."""
    model = model_of(name)
    values = samples.raw_values(CASES[name], 20, 15)
    alone = golden.score(model, table(model.inputs, values, 20))
    for before in (1, 5, 250):
        padding = samples.raw_values(CASES[name], before, 16)
        joined = [join(first, second) for first, second in zip(padding, values, strict=True)]
        got = golden.score(model, table(model.inputs, joined, before + 20))
        np.testing.assert_array_equal(bits(got.scores[:, before:]), bits(alone.scores))
        np.testing.assert_array_equal(got.flags[before:], alone.flags)


@each_case
def test_nothing_that_is_read_is_changed(name: str) -> None:
    model = model_of(name)
    raw = table(model.inputs, samples.raw_values(CASES[name], 300, 17), 300)
    bound = model.bind(raw.layout)
    tables = [array.copy() for array in bound._fixed[:4]]
    columns = [array.copy() for array in raw.columns]
    first = score(model, raw.layout, raw.columns, raw.rows)
    again = Results(np.zeros_like(first.scores), np.zeros_like(first.flags), np.zeros_like(first.missing))
    for _ in range(2):
        bound.score(raw.columns, raw.rows, *again)
        np.testing.assert_array_equal(bits(again.scores), bits(first.scores))
    for before, after in zip(columns, raw.columns, strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(tables, bound._fixed[:4], strict=True):
        np.testing.assert_array_equal(before, after)


@each_case
def test_no_rows_are_no_work(name: str) -> None:
    model = model_of(name)
    raw = table(model.inputs, samples.raw_values(CASES[name], 4, 18), 4)
    got = score(model, raw.layout, raw.columns, np.zeros(0, np.int64))
    assert (got.scores == -7).all()
    empty = table(model.inputs, samples.raw_values(CASES[name], 0, 18), 0)
    assert golden.score(model, empty).scores.shape == (model.n_outputs, 0)


@each_case
def test_other_fields_and_another_order_of_the_layout_change_nothing(name: str) -> None:
    model = model_of(name)
    raw = table(model.inputs, samples.raw_values(CASES[name], 100, 19), 100)
    expected = score(model, raw.layout, raw.columns, raw.rows)
    fields = [("other", Kind.NUMBER), *((field.name, field.kind) for field in raw.layout)][::-1]
    layout = Layout([*fields, ("more", Kind.INTEGER), ("id", Kind.TEXT), ("raw", Kind.BYTES)])
    columns = layout.columns(120)
    for field in raw.layout:
        there = layout[field.name]
        columns.valid[there.index, :100] = raw.columns.valid[field.index]
        if field.kind == Kind.TEXT:
            columns.address[there.slot, :100] = raw.columns.address[field.slot]
            columns.length[there.slot, :100] = raw.columns.length[field.slot]
        elif field.kind == Kind.NUMBER:
            columns.numbers[there.slot, :100] = raw.columns.numbers[field.slot]
        else:
            columns.integers[there.slot, :100] = raw.columns.integers[field.slot]
    got = score(model, layout, columns, np.arange(100))
    np.testing.assert_array_equal(bits(got.scores[:, :100]), bits(expected.scores))
    np.testing.assert_array_equal(got.flags[:100], expected.flags)
    np.testing.assert_array_equal(got.missing[:100], expected.missing)


@each_case
def test_saved_loaded_and_saved_again_is_the_same_bytes(name: str) -> None:
    stored = STORED[name]
    version = load(stored)
    assert version.manifest.to_bytes() == stored.manifest
    assert samples.store(CASES[name]) == stored
    assert not any(tensor.flags.writeable for tensor in version.tensors.values())


@each_case
def test_every_part_refuses_missing_and_unknown_parameters_and_tensors(name: str) -> None:
    manifest = load(STORED[name]).manifest
    for place, part in enumerate((*manifest.pipeline, manifest.kernel)):
        wrong: list[tuple[str, str, object]] = [("params", "speed", 1)]
        wrong += [("params", key, other) for key in part.params for other in (ABSENT, "no such", 1, [], [1.5], True)]
        wrong += [("tensors", role, other) for role in part.tensors for other in (ABSENT, "no such tensor")]
        for field, key, value in wrong:
            document = json.loads(STORED[name].manifest)
            entries = [*document["pipeline"], document["kernel"]][place][field]
            entries[key] = value
            if value is ABSENT:
                del entries[key]
            with pytest.raises(VersionRefused, match=r"pipeline\[|kernel" if field == "params" else "tensor"):
                Model(load(VersionBytes(encode(document), STORED[name].tensors)))


@each_case
def test_every_tensor_must_have_its_dtype_shape_and_finite_numbers(name: str) -> None:
    what = CASES[name]
    for part in (*what.steps, what.kernel):
        for role, array in part.arrays.items():
            others = [array.astype("float32" if array.dtype != "float32" else "float64"), array[..., None], array[:-1]]
            if array.dtype == "float64":
                others += [np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array)]
            for other in others:
                with pytest.raises(VersionRefused):
                    samples.store(samples.with_tensors(what, part, **{role: other}))
