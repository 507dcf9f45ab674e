"""One read into one step: predictions, labels, events, challengers, drift, letters, flips, whatever comes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from monitor.intake.texts import LONGEST
from monitor.records import Letter
from monitor.rows import AUDIT, DAY, DEAD_LETTERS, EVENTS, HOUR, LABELS, PREDICTIONS, RETRY, SHADOW
from scorer.model.evidence import CategoryProfile, NumberProfile
from scorer.quality.lateness import LATENCY_EDGES
from tests.monitor.intake.scene import PLACES, SENTINEL, Scene, event, flip, numbers, probability, version
from tests.monitor.intake.support import START, label, old_label, prediction, read

SIDE = ("latency", "letters", "failures", "drift", "flips", "counts", "sources", "fresh_predictions", "fresh_labels")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.state.close()


def test_predictions_meet_labels(scene: Scene) -> None:
    scene.take(
        {
            PREDICTIONS: read([prediction(event_id=f"e{k}", source_offset=k, score=k / 10) for k in range(10)]),
            LABELS: read([label("e1", 1.0), old_label("e2", 0.0), label("e3", 1.0, START, 2), None, label("e4", 7.0)],
                         [None, None, None, b"e1", None]),
        }
    )  # fmt: skip
    changes = scene.tick().changes
    found = dict(zip(numbers(changes["score_0"]), numbers(changes["labelled"]), strict=True))
    assert found == {k / 10: k in (2, 3) for k in range(10)}, "e1 was retracted, and e4's label is none"
    assert scene.counts() == {(LABELS, "unknown_class"): 1, (LABELS, "passed_over"): 1}


def test_latency_is_counted_by_hour_version_and_bin(scene: Scene) -> None:
    rng = np.random.default_rng(1)
    latencies = [*np.round(10 ** rng.uniform(2, 13, 300)).astype(np.int64).tolist(), -5, 0, *LATENCY_EDGES]
    times = (START - rng.integers(0, 5 * HOUR, len(latencies))).tolist()
    made = [
        (time, f"v{k % 2}", late) for k, (time, late) in enumerate(zip(times, latencies, strict=True))
    ]  # fmt: skip
    payloads = [
        prediction(event_id=f"e{k}", version=name, event_time=time, scored_time=time + late)
        for k, (time, name, late) in enumerate(made)
    ]
    scene.take({PREDICTIONS: read([*payloads, prediction(model="other")])})
    expected = Counter(
        (time // HOUR * HOUR, name, sum(late >= edge for edge in LATENCY_EDGES)) for time, name, late in made
    )
    assert scene.table("latency") == sorted((*key, n) for key, n in expected.items())


# -- events ------------------------------------------------------------------------------------------------------------


def test_drift_is_counted_in_the_bins_of_the_champions_profile(scene: Scene) -> None:
    champion = version("v1", scene.decoder.layout)
    scene.follow(champion)
    rng = np.random.default_rng(2)
    xs: list[float | None] = [None, SENTINEL, -50.0, 50.0, float("nan"), float("inf"), *rng.normal(0, 2, 200).tolist()]
    known = champion.bound.model.manifest.profile
    assert known is not None
    number, category = known.inputs["x"], known.inputs["carrier"]
    assert isinstance(number, NumberProfile)
    assert isinstance(category, CategoryProfile)
    xs += number.quantiles
    carriers = [[None, "AA", "UA", "B6", "ZZ", "é"][k % 6] for k in range(len(xs))]
    times = [START - (k % 3) * DAY for k in range(len(xs))]
    scene.events(*(event(f"e{k}", *row) for k, row in enumerate(zip(xs, carriers, times, strict=True))))
    edges = sorted(set(number.quantiles[1:-1]))
    names = [name for name, _ in category.counts]
    expected: Counter[tuple[int, str, str, int]] = Counter()
    for x, carrier, time in zip(xs, carriers, times, strict=True):
        missing = x is None or np.isnan(x) or x == SENTINEL
        place = -1 if missing or x is None else sum(x > edge for edge in edges)
        other = -1 if carrier is None else names.index(carrier) if carrier in names else len(names)
        expected[time // DAY, "v1", "x", place] += 1
        expected[time // DAY, "v1", "carrier", other] += 1
    assert sorted(scene.table("drift")) == sorted((*key, n) for key, n in expected.items())


def test_a_challengers_scores_become_predictions(scene: Scene) -> None:
    scene.follow(version("v1", scene.decoder.layout), version("c1", scene.decoder.layout, 2.0),
                 version("c2", scene.decoder.layout, -1.0))  # fmt: skip
    rows = [(f"e{k}", k / 7, ["AA", "UA", None][k % 3], START - k) for k in range(30)]
    scene.events(*(event(*row) for row in rows), offset=100)
    labels = [label(f"e{k}", k % 2) for k in range(20)]
    scene.take({PREDICTIONS: read([prediction(event_id="e0", version="v1", source_offset=100)]), LABELS: read(labels)})
    changes = scene.tick(1).changes
    shadow = changes["role"] == SHADOW
    assert shadow.sum() == 60
    versions, carriers = scene.state.names("version"), scene.state.names("segment:carrier")
    topics = scene.state.names("topic")
    found = set()
    for k in np.flatnonzero(shadow).tolist():
        number = int(changes["source_offset"][k]) - 100
        name, x, carrier, time = rows[number]
        slope = {"c1": 2.0, "c2": -1.0}[versions[changes["version"][k]]]
        said = probability(x, carrier, slope)
        assert changes["score_0"][k] == pytest.approx(said, abs=1e-12)
        assert changes["predicted"][k] == (said > 0.5)
        assert (changes["time"][k], changes["scored"][k]) == (time, START)
        assert carriers.get(changes["segment_0"][k]) == carrier
        assert topics[changes["source_topic"][k]] == "t"
        assert (changes["labelled"][k], changes["value"][k]) == (number < 20, number % 2 if number < 20 else 0)
        found.add((name, slope))
    assert len(found) == 60
    live = np.flatnonzero(~shadow)
    same = (changes["id_high"] == changes["id_high"][live]) & (changes["id_low"] == changes["id_low"][live])
    assert same.sum() == 3, "the ids are those of the predictions"


def test_events_that_a_challenger_cannot_score_count_against_it(scene: Scene) -> None:
    layout = scene.decoder.layout
    scene.follow(version("v1", layout), version("strict", layout, nullable=False), version("mild", layout))
    readable = [event("a", None), event("b", None, at=START - HOUR), event("c", None), event("d"), event("e", 2.0)]
    scene.events(*readable, b"nonsense", None, event("f", at=None))
    missing = [(START, "strict", "missing_input", 2), (START - HOUR, "strict", "missing_input", 1)]
    assert sorted(scene.table("failures")) == sorted(missing)
    assert scene.counts() == {(EVENTS, "unreadable"): 2, (EVENTS, "no_time"): 1}
    said = Counter(scene.state.names("version")[code] for code in numbers(scene.tick(1).changes["version"]))
    assert said == {"mild": 5, "strict": 2}


def test_a_challenger_with_other_outputs_fails_on_every_event(scene: Scene) -> None:
    other = version("other", scene.decoder.layout, classes=("maybe", "perhaps"))
    scene.follow(None, other)
    scene.events(event("a"), event("b"))
    assert scene.table("failures") == [(START, "other", "other_outputs", 2)]
    assert numbers(scene.tick(1).changes["version"]) == []


def test_a_version_may_be_challenger_and_champion_of_one_event(scene: Scene) -> None:
    scene.follow(None, version("v1", scene.decoder.layout))
    scene.events(event("e1"), offset=17)
    scene.take({PREDICTIONS: read([prediction(source_offset=17, source_partition=0, source_topic="t")])})
    assert sorted(numbers(scene.tick(1).changes["role"])) == [0, SHADOW]
    scene.take({PREDICTIONS: read([prediction(source_offset=3, score=0.25)], offset=1)})
    changes = scene.tick(1).changes
    said = zip(numbers(changes["role"]), numbers(changes["score_0"]), numbers(changes["sign"]), strict=True)
    # An earlier one for the same id takes the place of the champion's; the challenger's stays.
    assert sorted(said) == [
        (0, 0.25, 1), (0, 0.75, -1),
    ]  # fmt: skip
    scene.take({LABELS: read([label()])})
    changes = scene.tick(1).changes
    told = changes["labelled"]
    assert sorted(numbers(changes["role"][told])) == [0, SHADOW], "both are still there, and meet the label"


def test_a_cohort_waits_for_events_only_while_there_is_a_challenger(scene: Scene) -> None:
    late = START + 10 * HOUR
    scene.time = late + HOUR
    scene.tick()
    scene.take({PREDICTIONS: read([prediction(), prediction(event_id="e2", event_time=late)]),
                LABELS: read([label(), label("e2", time=late)])})  # fmt: skip
    scene.follow(None, version("v1", scene.decoder.layout))
    assert scene.tick(1).closed == []
    scene.events(event("e1"), event("e2", at=late))
    assert scene.tick(1).closed == [START]


def test_without_challenger_no_event_holds_up_a_cohort(scene: Scene) -> None:
    late = START + 10 * HOUR
    scene.time = late + HOUR
    scene.tick()
    scene.take({PREDICTIONS: read([prediction(), prediction(event_id="e2", event_time=late)]),
                LABELS: read([label(), label("e2", time=late)])})  # fmt: skip
    scene.events(event("e1"), offset=5)
    assert scene.tick(1).closed == [START]
    assert scene.state.offsets()[EVENTS, 0] == 6, "nobody asks for it, and it is passed"
    assert scene.table("drift") == []


def test_times_by_the_broker(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "broker", time_field=None)
    scene.follow(None, version("c", scene.decoder.layout))
    scene.events(event("e1", at=None), time=START // 1000 - 5)
    assert numbers(scene.tick(1).changes["time"]) == [START - 5_000]
    scene.state.close()


# -- the other topics --------------------------------------------------------------------------------------------------


def test_dead_letters_are_counted_by_hour_and_reason(scene: Scene) -> None:
    letters = [Letter("utf8", START // 1000), Letter("utf8", START // 1000 + 5), Letter("missing_input", START // 1000),
               Letter("", START // 1000 - 3_600_000)]  # fmt: skip
    scene.take({DEAD_LETTERS: read([b"x"] * 4)}, letters)
    expected = [(START - HOUR, "unknown", 1), (START, "missing_input", 1), (START, "utf8", 2)]
    assert sorted(scene.table("letters")) == expected


def test_reasons_have_an_end(scene: Scene) -> None:
    letters = [Letter(f"made-up-{k}", START // 1000) for k in range(1_500)]
    scene.take({DEAD_LETTERS: read([b"x"] * 1_500)}, letters)
    found = {reason: n for _, reason, n in scene.table("letters")}
    assert len(found) == 1_000
    assert found["unknown"] == 501
    assert sum(found.values()) == 1_500


def test_flips_are_kept_however_old(scene: Scene) -> None:
    scene.take(
        {AUDIT: read([flip(at=0), flip(event="refused", reason="digest: no", instance="i-1"), b"nonsense",
                      flip(version=None, pointer="trial")])}
    )  # fmt: skip
    assert scene.table("flips") == [
        (0, "champion", "v1", True, "", "i-0"),
        (START, "champion", "v1", False, "digest: no", "i-1"),
        (START, "trial", "", True, "", "i-0"),
    ]
    assert scene.counts() == {(AUDIT, "unreadable"): 1}


def test_of_a_flip_no_more_is_kept_than_can_be_read(scene: Scene) -> None:
    scene.take({AUDIT: read([flip(event="refused", reason="x" * 900_000, instance="y" * 900_000)])})
    [(_, _, _, _, reason, instance)] = scene.table("flips")
    assert (reason, instance) == ("x" * LONGEST, "y" * LONGEST)


def test_only_the_latest_flips_are_kept(scene: Scene) -> None:
    for part in range(3):
        scene.take({AUDIT: read([flip(at=START + part * 500 + k) for k in range(500)], offset=part * 500)})
    found = [row[0] for row in scene.table("flips")]
    assert found == [START + 500 + k for k in range(1_000)]


# -- places ------------------------------------------------------------------------------------------------------------


def everything(scene: Scene, pieces: int) -> None:
    """The same records in so many reads."""
    layout = scene.decoder.layout
    scene.follow(version("v1", layout), version("c1", layout, 2.0, nullable=False))
    n = 60
    of_topic = {
        PREDICTIONS: [prediction(event_id=f"e{k}", source_offset=k) for k in range(n)],
        LABELS: [label(f"e{k}", k % 3) for k in range(n)],
        EVENTS: [event(f"e{k}", None if k % 5 == 0 else k / 9, at=START - k * HOUR) for k in range(n)],
        RETRY: [event(f"r{k}", k / 9) for k in range(n)],
        DEAD_LETTERS: [b"x"] * n,
        AUDIT: [flip(at=START + k) for k in range(n)],
    }
    letters = [Letter(f"c{k % 4}", START // 1000 - k * 600_000) for k in range(n)]
    for part in np.array_split(np.arange(n), pieces):
        cut = slice(int(part[0]), int(part[-1]) + 1)
        for again in range(2):
            scene.take(
                {topic: read(payloads[cut], offset=cut.start) for topic, payloads in of_topic.items()}, letters[cut]
            )
            assert again in (0, 1)


def test_neither_the_size_of_reads_nor_reading_again_shows(tmp_path: Path) -> None:
    found = []
    for pieces in (1, 2, 7, 60):
        scene = Scene(tmp_path / str(pieces))
        everything(scene, pieces)
        found.append({name: scene.table(name) for name in SIDE})
        assert len(scene.table("fresh_predictions")) == 60 + 60 + 48
        scene.state.close()
    assert all(one == found[0] for one in found)
    assert all(found[0][name] for name in SIDE)


def test_new_partitions_lost_records_and_ends(scene: Scene) -> None:
    scene.take(
        {PREDICTIONS: read([prediction()], offset=5)}, found={(PREDICTIONS, 1): 40}, passed={(PREDICTIONS, 0): 9}
    )
    assert scene.state.offsets() == {**dict.fromkeys(PLACES, 0), (PREDICTIONS, 0): 9, (PREDICTIONS, 1): 40}
    scene.take({PREDICTIONS: read([prediction(event_id="e2")], offset=30)}, lost={(PREDICTIONS, 0): 30})
    assert scene.counts() == {(PREDICTIONS, "lost"): 21}
    scene.take({PREDICTIONS: read([prediction(event_id="e3")])}, lost={(PREDICTIONS, 0): 0})
    assert scene.counts() == {(PREDICTIONS, "lost"): 21, (PREDICTIONS, "made_anew"): 1}
    assert scene.state.offsets()[PREDICTIONS, 0] == 1
    assert len(numbers(scene.tick(1).changes["time"])) == 3


def test_the_order_of_sources_is_not_that_of_arrival(tmp_path: Path) -> None:
    for topics in (("m.events", "m.retry"), ("m.retry", "m.events")):
        scene = Scene(tmp_path / topics[0])
        scene.take({PREDICTIONS: read([prediction(event_id=name, source_topic=name) for name in topics])})
        assert scene.state.names("topic") == {0: "m.events", 1: "m.retry"}
        scene.state.close()


def test_what_is_read_before_the_first_tick_is_an_error(tmp_path: Path) -> None:
    scene = Scene(tmp_path, bare=True)
    with pytest.raises(ValueError, match="first step is a tick"):
        scene.take({PREDICTIONS: read([prediction()])}, found={(PREDICTIONS, 0): 0})
    scene.state.close()


def test_what_the_pointers_said_is_recorded_with_the_tick_that_comes(scene: Scene) -> None:
    layout = scene.decoder.layout
    one, two = version("v1", layout), version("c1", layout)
    for champion, challengers in ((one, ()), (one, ()), (one, (two,)), (None, ())):
        scene.follow(champion, *challengers)
    before = scene.state.followed()
    assert [tuple(row) for row in before] == [(2, "v1", ()), (4, "v1", ("c1",)), (5, "", ())]


def test_counts_are_forgotten_with_their_days(scene: Scene) -> None:
    everything(scene, 1)
    assert scene.table("latency")
    scene.time += 50 * DAY
    for _ in range(3):
        scene.tick(DAY, PLACES)
    assert [scene.table(name) for name in ("latency", "letters", "failures", "drift")] == [[], [], [], []]
    assert scene.table("flips")
