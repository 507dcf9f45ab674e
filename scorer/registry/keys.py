"""The names of all keys in Redis, and which names are allowed in them.

::

    P:M:champion                        the version whose predictions count: a plain string
    P:M:challenger                      one version, or several separated by commas
    P:M:trial                           JSON, see scorer.registry.trial
    P:M:version:V:manifest              the version's bytes; they never change
    P:M:version:V:tensors
    P:M:version:V:signature
    P:M:audit                           a stream of every command and push
    P:M:wake                            a pub/sub channel: "look at the pointers now"
    P:M:commands                        a stream of commands to the monitor that wait to be answered
    P:M:answer:ID                       what became of a command, for a while
    P:M:lease                           which monitor is the one at work, expires unless renewed
    P:M:fence                           the number that was given out with the lease last
    P:M:instance:ID                     one running process, expires unless renewed

P is the prefix, M the model, V the version. Names hold letters, digits, ``.``, ``_`` and ``-`` only: no name can
contain the separator, a glob character or a path separator, so keys, patterns and file names are built by joining.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scorer.errors import SettingsError
from scorer.settings.values import NAME, NAME_RULE

Part = Literal["manifest", "tensors", "signature"]
PARTS: tuple[Part, Part, Part] = ("manifest", "tensors", "signature")


def is_name(text: str) -> bool:
    """Whether ``text`` may name a model, a version, an instance or a prefix."""
    return NAME.fullmatch(text) is not None


def check_name(text: str, what: str) -> str:
    """``text`` itself, or SettingsError saying what of ``what`` is not a name."""
    if not is_name(text):
        raise SettingsError(f"{text[:120]!r} cannot name a {what}: {NAME_RULE}")
    return text


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one model. Raises SettingsError where model or prefix is not a name."""

    model: str
    prefix: str = "scorer"

    def __post_init__(self) -> None:
        check_name(self.model, "model")
        check_name(self.prefix, "prefix")

    @property
    def champion(self) -> str:
        """The pointer to the version whose predictions count."""
        return self._key("champion")

    @property
    def challenger(self) -> str:
        """The pointer to the versions that are scored in the shadow."""
        return self._key("challenger")

    @property
    def trial(self) -> str:
        """The pointer to the version that gets a share of the traffic."""
        return self._key("trial")

    @property
    def pointers(self) -> tuple[str, str, str]:
        """Champion, challenger and trial, in the order in which they are read."""
        return self.champion, self.challenger, self.trial

    @property
    def audit(self) -> str:
        """The stream of commands and pushes."""
        return self._key("audit")

    @property
    def wake(self) -> str:
        """The channel on which changes are announced."""
        return self._key("wake")

    @property
    def commands(self) -> str:
        """Commands to the monitor."""
        return self._key("commands")

    def answer(self, command: str) -> str:
        """What became of a command. SettingsError where its id is not a name."""
        return self._key(f"answer:{check_name(command, 'command')}")

    @property
    def every_answer(self) -> str:
        """A pattern that all answers match, and nothing else."""
        return self._key("answer:*")

    @property
    def lease(self) -> str:
        """Which monitor is the one at work."""
        return self._key("lease")

    @property
    def fence(self) -> str:
        """The number that was given out with the lease last."""
        return self._key("fence")

    def version(self, version: str, part: Part) -> str:
        """The key of one part of a version. SettingsError where ``version`` is not a name."""
        return self._key(f"version:{check_name(version, 'version')}:{part}")

    def version_parts(self, version: str) -> tuple[str, str, str]:
        """The keys of manifest, tensors and signature."""
        return self.version(version, "manifest"), self.version(version, "tensors"), self.version(version, "signature")

    def instance(self, instance: str) -> str:
        """The key of one running process. SettingsError where ``instance`` is not a name."""
        return self._key(f"instance:{check_name(instance, 'instance')}")

    @property
    def every_manifest(self) -> str:
        """A SCAN pattern that matches the manifests of all versions."""
        return self._key("version:*:manifest")

    @property
    def every_instance(self) -> str:
        """A SCAN pattern that matches all running processes."""
        return self._key("instance:*")

    def version_in(self, key: str) -> str | None:
        """The version's name in the key of a manifest; ``None`` where somebody else's key looks similar."""
        return self._name_in(key, "version:", ":manifest")

    def instance_in(self, key: str) -> str | None:
        """The instance's name in its key; ``None`` where somebody else's key looks similar."""
        return self._name_in(key, "instance:", "")

    def _key(self, rest: str) -> str:
        return f"{self.prefix}:{self.model}:{rest}"

    def _name_in(self, key: str, before: str, after: str) -> str | None:
        name = key.removeprefix(self._key(before)).removesuffix(after)
        return name if is_name(name) and key == self._key(before + name + after) else None
