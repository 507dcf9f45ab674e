"""``scorer run`` that can be told to kill itself at exact points of a transaction, or when it lets go of partitions.

The points are set around the methods when this module is imported: the fork server imports the main
module before it forks any worker, so every worker has them. A token in the directory ``CHAOS_TOKENS``, named
``POINT COUNT``, arms a point: the first worker that passes it so many times takes the token and dies.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scorer.stream.assignment import Assignment
from scorer.stream.exactly_once import ExactlyOnce
from scorer.stream.transaction import Transaction

_PASSED: Counter[str] = Counter()


def _armed(point: str) -> bool:
    """Whether to die here. A token is taken by removing it, so that one token kills one worker."""
    directory = Path(os.environ["CHAOS_TOKENS"])
    tokens = [token for token in directory.iterdir() if token.name.startswith(f"{point} ")]
    if not tokens:
        _PASSED[point] = 0
        return False
    _PASSED[point] += 1
    if _PASSED[point] < int(tokens[0].name.split()[1]):
        return False
    try:
        tokens[0].unlink()
    except FileNotFoundError:
        return False  # another worker took it
    return True


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after(point: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def with_point(*arguments: Any) -> Any:
        result = method(*arguments)
        if _armed(point):
            _die()
        return result

    return with_point


def _begin(self: Transaction) -> None:
    was_open = self.open
    begin(self)
    if not was_open and _armed("begin"):
        _die()


def _commit(self: Transaction, offsets: Any, group: Any) -> None:
    if _armed("flush"):
        self.producer.flush(5)
        _die()
    if _armed("send_offsets"):
        self.producer.send_offsets_to_transaction(offsets, group, 5)
        _die()
    if _armed("commit"):
        threading.Timer(random.uniform(0.0, 0.004), _die).start()  # noqa: S311  # somewhere in the middle
    commit(self, offsets, group)


begin, commit = Transaction.begin, Transaction.commit
Transaction.begin = _begin  # type: ignore[method-assign]
Transaction.commit = _commit  # type: ignore[method-assign]
ExactlyOnce.write = _after("produce", ExactlyOnce.write)  # type: ignore[method-assign]
Assignment.release = _after("release", Assignment.release)  # type: ignore[method-assign]

if __name__ == "__main__":
    from scorer.cli import main

    sys.argv = ["scorer", "run"]
    main()
