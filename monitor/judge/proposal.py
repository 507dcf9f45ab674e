"""``requirements.toml`` as it would be if it said what is in force: for a person to look at and commit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from monitor.judge.floors import demands
from monitor.judge.verdicts import identity
from scorer.quality.requirement import Requirement
from scorer.quality.requirements import parse
from scorer.quality.written import to_toml

_ENTRY = re.compile(r"(?m)^(?=[ \t]*\[\[[ \t]*requirement[ \t]*\]\])")
_KEYS = ("minimum", "maximum", "least_labels", "guarded")


def proposed(text: str, file: str, in_force: Sequence[Requirement]) -> str:
    """The text with the bounds in force, its comments and order kept where it is written as usual; what the file has
    not is added at the end. ``file`` names it in messages. Raises SettingsError for its mistakes."""
    written, wanted = parse(text, file), {identity(one): one for one in in_force}
    head, *entries = _ENTRY.split(text)
    if len(entries) == len(written):
        known = {identity(one) for one in written}
        there = [
            _edited(entry, one, wanted.get(identity(one), one)) for entry, one in zip(entries, written, strict=True)
        ]
        added = [one for name, one in wanted.items() if name not in known]
        edited = "".join([head, *there, f"\n{to_toml(added, '').strip()}\n" if added else ""])
        if _says(edited, file, wanted):
            return edited
    comment = head.strip().removeprefix("#").strip() if head.strip().startswith("#") else ""
    return to_toml(in_force, comment.replace("\n# ", "\n").replace("\n#", "\n"))


def _edited(entry: str, old: Requirement, new: Requirement) -> str:
    """The text of one requirement with other bounds."""
    for key in _KEYS:
        value = getattr(new, key)
        if getattr(old, key) == value or value is None:
            continue
        said = f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
        line = re.compile(rf"(?m)^([ \t]*){key}[ \t]*=[^#\n]*?(?=[ \t]*(?:#|$))")
        if line.search(entry):
            entry = line.sub(rf"\g<1>{said}", entry, count=1)
        else:
            entry = re.sub(r"(?m)^([ \t]*metric[^\n]*\n)", rf"\g<1>{said}\n", entry, count=1)
    return entry


def _says(text: str, file: str, wanted: Mapping[str, Requirement]) -> bool:
    """Whether a text asks for exactly that."""
    found = {identity(one): demands(one) for one in parse(text, file)}
    return found == {name: demands(one) for name, one in wanted.items()}
