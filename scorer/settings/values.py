"""What the value of a setting may be, each with the words for what it may not be."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from scorer import redis_url
from scorer.errors import SettingsError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What models, versions, instances and prefixes may be called."""
NAME_RULE = "use 1 to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit"
LONGEST_NAME = 100

PUBLIC_KEY_PREFIX = "ed25519:"
_KEY_BYTES = 32

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_ADDRESS = re.compile(r"[^:]+:[0-9]{1,5}")

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Seconds = Annotated[float, Field(gt=0.0, le=86_400.0)]


def _comma_separated(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(NAME_RULE)
    return value


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError("use 1 to 249 letters, digits, '.', '_' and '-'")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value) or int(value.rpartition(":")[2]) > 65_535:
        raise ValueError("write host:port; ports are numbers up to 65535")
    return value


def public_key(value: str) -> str:
    """``value`` itself, where it is the text of a public key. Raises ValueError."""
    text = value.removeprefix(PUBLIC_KEY_PREFIX)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if text == value or len(raw) != _KEY_BYTES or base64.b64encode(raw).decode() != text:
        raise ValueError("write public keys as `scorer keys new` prints them: ed25519: and 32 bytes in base64")
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    _understood(redis_url.parse, value.get_secret_value())
    return value


def _sentinel(value: str) -> str:
    _understood(redis_url.parse_sentinel, value)
    return value


def _understood(parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except SettingsError as error:
        raise ValueError(str(error)) from None


Name = Annotated[str, AfterValidator(_name)]
Topic = Annotated[str, AfterValidator(_topic)]
Address = Annotated[str, AfterValidator(_address)]
Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
PublicKeys = Annotated[tuple[Annotated[str, AfterValidator(public_key)], ...], BeforeValidator(_comma_separated)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Sentinels = Annotated[tuple[Annotated[str, AfterValidator(_sentinel)], ...], BeforeValidator(_comma_separated)]
