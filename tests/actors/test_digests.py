"""Names for bytes, stamps and modules."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.digests import (
    NO_STAMP,
    ModuleNameError,
    Stamp,
    checksum,
    digest,
    fold_name,
    module_name,
    printable,
    settled,
    through_link,
)

RUCHY = (".ruchy",)


def test_digest_is_sha256_and_checksum_is_not():
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert len(checksum(b"abc")) == 32
    assert checksum(b"abc") != checksum(b"abd")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("main.ruchy", "main"),
        ("shapes/circle.ruchy", "shapes/circle"),
        ("shapes/mod.ruchy", "shapes"),
        ("a/b/mod.ruchy", "a/b"),
        ("mod.ruchy", "mod"),
        ("mod/mod.ruchy", "mod"),
        ("mod/a.ruchy", "mod/a"),
        ("_x1.ruchy", "_x1"),
        ("größe.ruchy", "größe"),
        ("com.ruchy", "com"),
        ("com10.ruchy", "com10"),
    ],
)
def test_module_name(path, name):
    assert module_name(path, RUCHY) == name


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("../a.ruchy", "it has a `..` in it"),
        ("a/../b.ruchy", "it has a `..` in it"),
        ("./a.ruchy", "it has a `.` in it"),
        ("/a.ruchy", "it has an empty part"),
        ("a//b.ruchy", "it has an empty part"),
        (".ruchy", "it has an empty part"),
        ("a\0b.ruchy", "it has a NUL in it"),
        ("a\\b.ruchy", "it has a backslash in it"),
        ("c:a.ruchy", "it has a colon in it"),
        ("my-app.ruchy", "`my-app` is no identifier"),
        ("1st.ruchy", "`1st` is no identifier"),
        ("a.b.ruchy", "`a.b` is no identifier"),
        ("a b/c.ruchy", "`a b` is no identifier"),
        ("CON.ruchy", "`CON` is a reserved name on Windows"),
        ("x/lpt1/y.ruchy", "`lpt1` is a reserved name on Windows"),
        ("a\udcff.ruchy", "it is not UTF-8"),
    ],
)
def test_names_that_are_none(path, what):
    with pytest.raises(ModuleNameError) as caught:
        module_name(path, RUCHY)
    message = str(caught.value)
    assert what in message
    assert "named like identifiers" in message
    assert message.encode()


@pytest.mark.parametrize("path", ["a", "a.py", "a.RUCHY", ""])
def test_other_extensions(path):
    with pytest.raises(ModuleNameError, match=r"does not end in `\.rchy` or `\.ruchy`"):
        module_name(path, (".ruchy", ".rchy"))


@given(st.text(max_size=30))
@example("a/mod")
@example("con")
@example("\udc80")
def test_a_name_is_safe_or_refused(text):
    try:
        name = module_name(text + ".ruchy", RUCHY)
    except ModuleNameError as error:
        assert str(error).encode()
        return
    assert name in (text, text.removesuffix("/mod"))
    assert all(segment.isidentifier() for segment in name.split("/"))
    assert not set(name) & set("\0\\:.")


@given(st.text(max_size=20))
def test_folding_is_stable(text):
    folded = fold_name(text)
    assert fold_name(folded) == folded
    assert fold_name(text.upper()) == fold_name(text.upper().lower()) or not text.isascii()


def test_folding_joins_case_and_form():
    assert fold_name("Shapes") == fold_name("sHAPES")
    assert fold_name("caf\u00e9") == fold_name("cafe\u0301") == fold_name("CAFE\u0301")
    assert fold_name("a") != fold_name("b")


def test_printable_always_encodes():
    assert printable("größe") == "größe"
    assert printable("a\udcffb") == "a\\xffb"


LATE = 10**18 + 5


@pytest.mark.parametrize(
    ("mtime", "ctime", "trusted"),
    [
        (LATE - 20_000_001, 0, True),
        (LATE - 20_000_000, 0, False),
        (0, LATE - 20_000_000, False),
        (LATE, LATE, False),
        (LATE + 10**12, 5, False),
        (5, 5, True),
        (10**18 - 2 * 10**9, 0, True),
        (10**18 - 10**9, 0, False),  # a whole second: maybe the file system counts no finer
    ],
)
def test_a_stamp_is_trusted_only_when_old(mtime, ctime, trusted):
    stamp = Stamp(1, 2, 3, mtime, ctime)
    assert settled(stamp, LATE) == (stamp if trusted else NO_STAMP)


def test_a_links_stamp_moves_with_either():
    link, target = Stamp(1, 2, 3, 4, 5), Stamp(1, 3, 30, 40, 50)
    both = through_link(link, target)
    assert through_link(target, target) == target
    assert both.size == 30
    assert (both.mtime_ns, both.ctime_ns) == (40, 50)
    for field in Stamp.__struct_fields__:
        for changed in (
            through_link(replaced(link, field), target),
            through_link(link, replaced(target, field)),
        ):
            assert changed != both


def replaced(stamp: Stamp, field: str) -> Stamp:
    values = {name: getattr(stamp, name) for name in Stamp.__struct_fields__}
    return Stamp(**{**values, field: values[field] - 1})
