"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

HALF = ".half"
"""What the name of a file ends in that is not whole yet; a killed process may leave one."""


def write(file: Path, parts: Iterable[bytes], *, rights: int) -> None:
    """Put ``file`` there at once and for good: a crash or power cut leaves the old one (or none) or the new one.

    ``rights`` are those of the file, as for ``chmod``. Raises ``OSError`` where the disk refuses.
    """
    handle, name = tempfile.mkstemp(suffix=HALF, prefix=f".{file.name}.", dir=file.parent)
    half = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            for part in parts:
                stream.write(part)
            stream.flush()
            os.fsync(stream.fileno())
        half.chmod(rights)
        half.replace(file)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
