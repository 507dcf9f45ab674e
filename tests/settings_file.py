"""Settings as the file that a command reads."""

from __future__ import annotations

import json
from pathlib import Path

from scorer.settings import Settings


def write_settings(settings: Settings, directory: Path) -> Path:
    """Write ``scorer.toml`` to ``directory``; reading it gives the same settings."""
    lines = []
    for section, table in settings.model_dump(mode="json", exclude_none=True).items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items() if (section, key) != ("redis", "url")]
        if section == "redis":
            lines.append(f"url = {_toml(settings.redis.url.get_secret_value())}")
    file = directory / "scorer.toml"
    file.write_text("\n".join(lines) + "\n")
    assert Settings.load(file, {}) == settings
    return file


def _toml(value: object) -> str:
    """JSON is TOML, but for tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)
