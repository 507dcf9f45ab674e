"""The differences of two versions for people: what came in green, what went in red, what changed with both values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scorer.cli import output

Facts = Mapping[str, Any]


def show(facts: Facts, top: int) -> None:
    """The facts for people: a heading for each sort of difference, and nothing for what is the same."""
    for side, mark in (("before", "-"), ("after", "+")):
        one = facts[side]
        colour = "red" if mark == "-" else "green"
        output.line(f"{mark} {one['model']} {one['version']}  {one['digest'][:12]}", colour)
    if facts["same"]:
        output.line("the two are the same version, byte for byte")
    if not _sections(facts, top) and not facts["same"]:
        output.line("nothing differs but the name, serial or tolerances")
    if facts["sample"] is not None:
        _sample(facts["sample"])


def _sections(facts: Facts, top: int) -> bool:
    """Print what differs, and say whether anything does."""
    lines = {
        "inputs": [*_came_and_went(facts["inputs"]), *_changes(facts["inputs"]["changed"])],
        "preparation and kernel": [line for one in facts["parts"] for line in _part(one)],
        "outputs": [f"~ {name}: {_arrow(pair)}" for name, pair in facts["outputs"].items()],
        "coefficients": [_tensor(one) for one in facts["coefficients"]],
        "trees": [line for one in facts["trees"] for line in _forest(one)],
        "profile of the training data": _profile(facts["profile"]),
        "golden rows": _golden(facts["golden"]),
        "cases": [f"{line} ({kind})" for kind, one in (facts["cases"] or {}).items() for line in _came_and_went(one)],
        "trained with": [] if facts["trained_with"] is None else [_arrow(facts["trained_with"])],
    }
    for title, found in lines.items():
        if found:
            output.line("")
            output.line(title, "bold")
            for line in found:
                output.line(f"  {line}", {"+": "green", "-": "red"}.get(line[0], ""))
        if title == "coefficients" and facts["weights"]:
            _weights(facts["weights"], top)
    return any(lines.values())


def _came_and_went(one: Facts) -> list[str]:
    changed = one["changed"] if isinstance(one["changed"], list) else []
    signs = (("+", one["added"]), ("-", one["removed"]), ("~", changed))
    return [f"{sign} {name}" for sign, names in signs for name in names]


def _changes(changed: Mapping[str, Facts]) -> list[str]:
    return [f"~ {name}: {what} {_arrow(pair)}" for name, one in changed.items() for what, pair in one.items()]


def _part(one: Facts) -> list[str]:
    if one["change"] != "changed":
        return [f"{'+' if one['change'] == 'added' else '-'} {one['part']}  (of {_listed(one['takes'])})"]
    return [f"~ {one['part']}: {name} {_arrow(pair)}" for name, pair in one["what"].items()]


def _arrow(pair: Sequence[object]) -> str:
    """Two values; of two lists, what came and what went."""
    old, new = pair
    if isinstance(old, list) and isinstance(new, list):
        came, went = [one for one in new if one not in old], [one for one in old if one not in new]
        said = [f"{sign}{_listed(names)}" for sign, names in (("+ ", came), ("- ", went)) if names]
        return "; ".join(said) or "in another order"
    return f"{_short(old)} → {_short(new)}"


def _short(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _listed(names: Iterable[object]) -> str:
    found = [str(name) for name in names]
    return ", ".join(found[:8]) + (f", … ({len(found)})" if len(found) > 8 else "")


def _tensor(one: Facts) -> str:
    where = f"{one['tensor']} of {one['part']}"
    if one["changed"] is None:
        sign = "+" if one["shape"][0] is None else "-" if one["shape"][1] is None else "~"
        return f"{sign} {where}: {_arrow(one['shape'])}"
    largest = "" if one["largest"] is None else f", the largest change {one['largest']:.6g}"
    return f"~ {where}: {one['changed']:,} of {one['of']:,} numbers{largest}"


def _weights(weights: Sequence[Facts], top: int) -> None:
    rows = [
        (
            one["column"] if one["score"] is None else f"{one['column']} of {one['score']}",
            _short(one["from"]),
            _short(one["to"]),
            f"{one['change']:+.6g}",
        )
        for one in weights[:top]
    ]
    if rows:
        output.line("")
        output.table(("weight of", "before", "after", "change"), rows)
    if len(weights) > top:
        output.line(f"and {len(weights) - top} weights more", "dim")


def _forest(one: Facts) -> list[str]:
    counts = [
        f"~ {what} of {one['part']}: {_arrow(one[what])}"
        for what in ("trees", "leaves")
        if one[what][0] != one[what][1]
    ]
    signs = (("+", one["columns_added"]), ("-", one["columns_removed"]))
    return [*counts, *(f"{sign} splits on {_listed(names)}" for sign, names in signs if names)]


def _profile(one: Facts) -> list[str]:
    found = [f"~ rows: {one['rows'][0]:,} → {one['rows'][1]:,}"] if "rows" in one else []
    if "there" in one:
        found.append("+ there is one now" if one["there"][1] else "- there is none any more")
    for name, entry in one.get("inputs", {}).items():
        parts = [f"missing {entry['missing'][0]:.2%} → {entry['missing'][1]:.2%}"]
        if "median" in entry:
            parts.append(f"median {_arrow(entry['median'])}")
        parts += [f"{word} {_listed(entry[word])}" for word in ("came", "went") if entry.get(word)]
        found.append(f"~ {name}: {', '.join(parts)}")
    return found


def _golden(one: Facts) -> list[str]:
    if not one:
        return []
    return [f"~ {_arrow(one['rows'])} rows, {one['both']} in both, {one['differing']} of these with other scores"]


def _sample(one: Facts) -> None:
    output.line("")
    output.line(f"sample of {output.count(one['rows'], 'row')}", "bold")
    output.line(f"  {one['compared']:,} scored by both, {one['unchanged']:,} of them to the same bits")
    for side, name in (("only_first", "the first"), ("only_second", "the second")):
        if one[side]:
            output.line(f"  {one[side]:,} scored by {name} alone", "yellow")
    if one.get("changed_classes") is not None:
        moves = [f"{move['rows']:,} from {move['from']} to {move['to']}" for move in one["classes"]]
        output.line(f"  {one['changed_classes']:.3%} change their class{': ' if moves else ''}{', '.join(moves)}")
    if one["quantiles"]:
        shares = next(iter(one["quantiles"].values()))
        output.line("")
        rows = [(name, *(f"{value:+.3g}" for value in run.values())) for name, run in one["quantiles"].items()]
        output.table(("change of", *(f"{float(share):.0%}" for share in shares)), rows)
    if one["movers"]:
        output.line("")
        movers = [
            (
                mover["row"],
                _scores(mover["from"]),
                _scores(mover["to"]),
                f"{mover['change']:+.6g}",
                " → ".join(dict.fromkeys(mover["classes"])),
            )
            for mover in one["movers"]
        ]
        output.table(("row", "before", "after", "change", "class"), movers)


def _scores(scores: Sequence[float]) -> str:
    return ", ".join(f"{score:.6g}" for score in scores)
