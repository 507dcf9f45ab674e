"""All signs at a tick: what of the facts is a reason to alarm somebody.

What becomes of them over time, such as that one incident is told once, is for ``monitor.judge.incidents``.
"""

from __future__ import annotations

from collections.abc import Container

from monitor.judge.facts import Facts, Rules
from monitor.judge.sign import Sign
from monitor.judge.stream_signs import of_streams
from monitor.judge.verdict_signs import of_verdicts


def signs(facts: Facts, rules: Rules, open_: Container[str] = ()) -> list[Sign]:
    """All signs at a tick, ordered by key; each key is there once.

    ``open_`` are the keys of open incidents (``Incidents.open``): of these it is also said when they are over.
    """
    return sorted([*of_verdicts(facts, rules, open_), *of_streams(facts, rules)], key=lambda sign: sign.key)
