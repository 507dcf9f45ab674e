"""Key names, and which names are allowed in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.errors import SettingsError
from scorer.registry.keys import Keys, is_name


def test_keys_are_named_as_documented() -> None:
    keys = Keys("flights")
    assert keys.pointers == ("scorer:flights:champion", "scorer:flights:challenger", "scorer:flights:trial")
    assert keys.version_parts("v-1.0_a") == (
        "scorer:flights:version:v-1.0_a:manifest",
        "scorer:flights:version:v-1.0_a:tensors",
        "scorer:flights:version:v-1.0_a:signature",
    )
    assert keys.instance("pod-3-0") == "scorer:flights:instance:pod-3-0"
    assert (keys.audit, keys.wake, keys.commands) == (
        "scorer:flights:audit",
        "scorer:flights:wake",
        "scorer:flights:commands",
    )
    assert (keys.lease, keys.fence, keys.answer("a-1")) == (
        "scorer:flights:lease",
        "scorer:flights:fence",
        "scorer:flights:answer:a-1",
    )
    assert Keys("m", "other").champion == "other:m:champion"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-v", ".v", "a:b", "a*b", "a?b", "a[b", "a/b", "a b", "é", "a\n", "x" * 101]
)
def test_other_names_are_refused_everywhere(name: str) -> None:
    keys = Keys("flights")
    for use in (
        lambda: Keys(name),
        lambda: Keys("m", name),
        lambda: keys.version(name, "manifest"),
        lambda: keys.version_parts(name),
        lambda: keys.instance(name),
        lambda: keys.answer(name),
    ):
        with pytest.raises(SettingsError, match="use 1 to 100 letters"):
            use()


@given(st.text(max_size=8), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True))
def test_a_name_comes_back_out_of_its_key(noise: str, name: str) -> None:
    keys = Keys("flights")
    assert keys.version_in(keys.version(name, "manifest")) == name
    assert keys.instance_in(keys.instance(name)) == name
    assert keys.version_in(keys.version(name, "tensors")) is None
    assert keys.instance_in(keys.version(name, "manifest")) is None
    assert keys.version_in(f"scorer:flights:version:{noise}:manifest") == (noise if is_name(noise) else None)
    assert Keys("other").version_in(keys.version(name, "manifest")) is None
