"""Signatures, pinned keys and serials: what a scorer that trusts somebody lets in, and from where."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Valkey
from scorer.errors import VersionRefused
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input
from scorer.model.model import Model
from scorer.model.version import VersionBytes
from scorer.registry import pointers, versions
from scorer.registry.admission import admit
from scorer.registry.client import connect
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.signatures import DOMAIN, Signature, Trust, public_text, sign
from tests.registry.servers import nobody

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PINNED = Trust((public_text(KEY),))


def version(name: str = "v1", serial: int = 1, key: Ed25519PrivateKey | None = KEY) -> VersionBytes:
    """A sound version: y = 2 x + 1."""
    x = np.linspace(-3, 3, 32)
    stored = build.version(
        Design(
            "flights", name, serial, ("numpy", np.__version__), [Input("x", "float64")], [],
            build.linear(["x"], [2.0], 1.0), "regression",
        ),
        Proof([[float(one)] for one in x], (2 * x + 1)[None]),
    )  # fmt: skip
    return stored if key is None else replace(stored, signature=sign(stored.manifest, key).to_bytes())


SIGNED = version()


def refused(stored: VersionBytes, trust: Trust, name: str = "v1") -> VersionRefused:
    with pytest.raises(VersionRefused) as caught:
        admit(stored, trust, model="flights", version=name)
    return caught.value


def test_a_version_that_a_pinned_key_has_signed_is_admitted() -> None:
    assert admit(SIGNED, PINNED, model="flights", version="v1").manifest.serial == 1
    admit(SIGNED, Trust((public_text(OTHER), public_text(KEY))), model="flights", version="v1")
    admit(replace(SIGNED, signature=None), Trust(), model="flights", version="v1")  # nobody is pinned


def test_the_bytes_that_are_signed_are_these() -> None:
    """So that another program can sign, too: openssl's own verification is the oracle."""
    by, value = (SIGNED.signature or b"").decode().split()
    assert by == "ed25519:" + base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
    KEY.public_key().verify(base64.b64decode(value), b"scorer:version:1\0" + SIGNED.manifest)
    assert DOMAIN.endswith(b"\0")


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (version(key=None), "is not signed"),
        (version(key=OTHER), "none of scorer.public_keys"),
        (replace(SIGNED, signature=version("v2").signature), "not one of this manifest"),
        (replace(SIGNED, signature=b""), "damaged"),
        (replace(SIGNED, signature=(SIGNED.signature or b"") + b"\n"), "damaged"),
        (replace(SIGNED, signature=(SIGNED.signature or b"").replace(b" ", b"  ")), "damaged"),
        (replace(SIGNED, signature=b"\xff" * 142), "damaged"),
        (
            replace(
                SIGNED,
                signature=Signature(public_text(KEY), KEY.sign(SIGNED.manifest)).to_bytes(),
            ),
            "not one of this manifest",
        ),
    ],
    ids=["unsigned", "another key", "of another version", "empty", "longer", "spaced", "not text", "without domain"],
)
def test_anything_else_is_refused_before_it_is_parsed(stored: VersionBytes, why: str) -> None:
    error = refused(stored, PINNED)
    assert error.reason == "signature"
    assert why in str(error)
    assert refused(replace(stored, manifest=b"not json"), PINNED).reason == "signature"


def test_a_serial_below_the_least_is_refused_and_all_others_come_back() -> None:
    trust = replace(PINNED, min_serial=2)
    assert refused(SIGNED, trust).reason == "serial"
    for serial in (2, 3, 2, 7):
        assert admit(version("v1", serial), trust, model="flights", version="v1").manifest.serial == serial
    assert refused(version(key=None), Trust(min_serial=2)).reason == "serial", "without pinned keys, too"


def test_a_signature_of_one_name_does_not_pass_under_another() -> None:
    assert refused(SIGNED, PINNED, "v2").reason == "identity"


def test_every_mutated_byte_of_manifest_tensors_and_signature_is_refused() -> None:
    """All of them: each byte with one bit flipped, and left out."""
    model = admit(SIGNED, PINNED, model="flights", version="v1")
    assert isinstance(model, Model)
    tried = 0
    for part in ("manifest", "tensors", "signature"):
        whole: bytes = getattr(SIGNED, part)
        for place, byte in enumerate(whole):
            flipped = byte ^ (1 << (place % 8))
            for changed in (whole[:place] + bytes([flipped]) + whole[place + 1 :], whole[:place] + whole[place + 1 :]):
                refused(replace(SIGNED, **{part: changed}), PINNED)
                tried += 1
    assert tried == 2 * (len(SIGNED.manifest) + len(SIGNED.tensors) + len(SIGNED.signature or b""))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(("manifest", "tensors", "signature")), st.data())
def test_any_other_bytes_are_refused(part: str, data: st.DataObject) -> None:
    """Bytes replaced, put in or cut out anywhere, by anything."""
    whole: bytes = getattr(SIGNED, part)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 8)))
    changed = whole[:start] + data.draw(st.binary(max_size=8)) + whole[end:]
    if changed != whole:
        refused(replace(SIGNED, **{part: changed}), PINNED)


# -- a scorer that trusts one key ----------------------------------------------------------------------------------


@dataclass
class Setup:
    client: redis.Redis
    keys: Keys
    directory: Path

    def follower(self, trust: Trust, client: redis.Redis | None = None) -> Follower[Model]:
        def prepare(stored: VersionBytes, model: str, name: str) -> Model:
            return admit(stored, trust, model=model, version=name)

        return Follower(
            client or self.client,
            self.keys,
            prepare,
            check=golden.check,
            state=LastGood(self.directory, self.keys.model),
        )

    def push(self, name: str, serial: int, key: Ed25519PrivateKey | None = KEY) -> None:
        versions.push(self.client, self.keys, name, version(name, serial, key), actor="ann")

    def flip(self, follower: Follower[Model], name: str) -> tuple[str | None, str | None]:
        """Point to a version; what scores then, and why that one is refused."""
        pointers.set_champion(self.client, self.keys, name, actor="ann", reason="better")
        follower.poll()
        about = follower.status()["champion"]
        assert isinstance(about, dict)
        found, reason = about["version"], about["reason"]
        return None if found is None else str(found), None if reason is None else str(reason)


@pytest.fixture
def setup(client: redis.Redis, keys: Keys, tmp_path: Path) -> Setup:
    return Setup(client, keys, tmp_path / "state")


def test_flips_and_rollbacks_in_signed_mode(setup: Setup) -> None:
    trust = replace(PINNED, min_serial=2)
    for name, serial in (("v1", 1), ("v2", 2), ("v3", 3), ("v4", 4)):
        setup.push(name, serial)
    setup.push("unsigned", 9, None)
    setup.push("foreign", 9, OTHER)
    follower = setup.follower(trust)
    for name in ("v4", "v3", "v2", "v4", "v2", "v3"):
        assert setup.flip(follower, name) == (name, None), "rollback to anything that is new enough works"
    for name, why in (("v1", "serial: "), ("unsigned", "signature: "), ("foreign", "signature: ")):
        scoring, reason = setup.flip(follower, name)
        assert scoring == "v3"
        assert reason is not None
        assert reason.startswith(why)
    assert setup.flip(follower, "v2") == ("v2", None)


def test_a_signature_that_is_pushed_later_is_enough(setup: Setup) -> None:
    follower = setup.follower(PINNED)
    setup.push("v1", 1, None)
    assert setup.flip(follower, "v1")[0] is None
    setup.push("v1", 1)
    follower.poll()
    assert follower.current.champion is not None


def test_a_change_of_keys(setup: Setup) -> None:
    """Both keys are pinned for a while; then the old one goes, and with it what it has signed."""
    setup.push("old", 1)
    setup.push("new", 2, OTHER)
    both = setup.follower(Trust((public_text(KEY), public_text(OTHER))))
    for name in ("old", "new", "old"):
        assert setup.flip(both, name) == (name, None)
    one = setup.follower(Trust((public_text(OTHER),)))
    assert setup.flip(one, "old")[0] is None
    assert setup.flip(one, "new") == ("new", None)


@pytest.fixture
def kept(setup: Setup) -> Setup:
    """The last good copy of v1, signed by KEY, is on disk."""
    setup.push("v1", 1)
    assert setup.flip(setup.follower(PINNED), "v1") == ("v1", None)
    return setup


def from_disk(setup: Setup, trust: Trust) -> tuple[str | None, str]:
    """What scores after a start without Redis, and what is wrong with the disk."""
    follower = setup.follower(trust, connect(nobody()))
    follower.poll()
    champion = follower.current.champion
    about = follower.status()["last_good"]
    assert isinstance(about, dict)
    return None if champion is None else champion.version, str(about["problem"])


def test_the_last_good_copy_is_checked_like_everything_else(kept: Setup) -> None:
    assert from_disk(kept, PINNED) == ("v1", "None")
    assert "none of scorer.public_keys" in from_disk(kept, Trust((public_text(OTHER),)))[1]
    assert "scorer.min_serial" in from_disk(kept, replace(PINNED, min_serial=2))[1]


@pytest.mark.parametrize("change", [lambda _: None, lambda _: version(key=OTHER).signature], ids=["none", "foreign"])
def test_a_last_good_copy_that_somebody_has_replaced(
    kept: Setup, change: Callable[[bytes | None], bytes | None]
) -> None:
    """A whole new file with the right checksums, as whoever can write to the disk can make."""
    [file] = (kept.directory / "flights").glob("*.version")
    file.unlink()
    LastGood(kept.directory, "flights").keep("v1", replace(SIGNED, signature=change(SIGNED.signature)))
    scoring, problem = from_disk(kept, PINNED)
    assert scoring is None
    assert "signed" in problem


def test_without_a_pinned_key_any_copy_will_do(server: Valkey, setup: Setup) -> None:
    setup.push("v1", 1, None)
    assert setup.flip(setup.follower(Trust()), "v1") == ("v1", None)
    assert from_disk(setup, Trust()) == ("v1", "None")
    assert from_disk(setup, PINNED)[0] is None
