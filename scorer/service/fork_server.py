"""Imported by the process that workers are forked from, and by nothing else.

A signal to the whole process group, as systemd and terminals send it, must not end the fork server: it is what tells
the parent how its workers ended. It ends by itself when the parent does. Workers set their own handlers.
"""

from __future__ import annotations

import signal

import scorer.service.worker  # noqa: F401  # with everything that it needs

signal.signal(signal.SIGTERM, signal.SIG_IGN)
