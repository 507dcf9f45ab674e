"""What the value of a setting of the alerts may be, each with the words for what it may not be."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

SMTP = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
"""The kinds of a mail server's address, with the ports that they have by default."""


def _apart(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _channel(value: SecretStr) -> SecretStr:
    schema, apart, rest = value.get_secret_value().partition("://")
    if not apart or not schema or not rest:
        raise ValueError("write an address as Apprise has it: a kind, ://, and what belongs to the kind")
    if schema.lower() in ("mailto", "mailtos"):
        raise ValueError("mail is sent by alerts.smtp, alerts.mail_from and alerts.mail_to")
    return value


def _smtp(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in SMTP or not parts.hostname or not _has_port(value) or parts.path.strip("/") or parts.query:
        raise ValueError("write smtp://user:password@host:587, smtps://user:password@host:465 or smtp+plain://host:25")
    if parts.scheme == "smtp+plain" and parts.username:
        raise ValueError("a password does not go over a connection without encryption; write smtp:// or smtps://")
    return value


def _http(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(value):
        raise ValueError("write http://host/path or https://host/path")
    return value


def _has_port(value: SecretStr) -> bool:
    """Whether the port, if there is one, is one."""
    try:
        return urlsplit(value.get_secret_value()).port != 0
    except ValueError:
        return False


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Limit = Annotated[float, Field(ge=0.0, le=1_000_000.0)]
Urls = Annotated[tuple[Annotated[SecretStr, AfterValidator(_channel)], ...], BeforeValidator(_apart)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp)]
HttpUrl = Annotated[SecretStr, AfterValidator(_http)]
Periods = Annotated[tuple[Literal["day", "week", "month"], ...], BeforeValidator(_listed)]
