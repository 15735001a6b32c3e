"""Archives: what a link takes of them, in which order, and what is said of broken ones."""

from __future__ import annotations

import pytest

from orchestrator.wasm.archive import MAGIC, Archive
from orchestrator.wasm.cursor import ObjectError
from orchestrator.wasm.fragment import WEAK
from orchestrator.wasm.gather import InputError, gather
from orchestrator.wasm.linker import LinkError, link
from tests.orchestrator.wasm.helpers import NULLARY, call, constant, function
from tests.orchestrator.wasm.referee import encode_object


def object_of(name: str, *needs: str, weak: bool = False, flags: int = 0) -> bytes:
    """An object that defines a function, and calls others."""
    calls = [part for need in needs for part in (b"\x10", call(need, weak=weak), b"\x1a")]
    return encode_object([function(name, NULLARY, *calls, b"\x41\1", flags=flags)], [])


def archive(members: dict[str, bytes], *, table: bool = True, bsd: bool = False, wide: bool = False) -> bytes:
    """An archive, with a table of what the members define."""
    long_names = b"".join(f"{name}/\n".encode() for name in members if len(name) > 15)
    names, places, content = b"", [], b""
    width = 8 if wide else 4
    defined = [list(Archive(_plain(data)).symbols) for data in members.values()]
    size = width * (1 + sum(map(len, defined))) + sum(len(s) + 1 for found in defined for s in found)
    at = len(MAGIC)
    if table:
        at += 60 + size + size % 2
    if long_names and not bsd:
        at += 60 + len(long_names) + len(long_names) % 2
    for (name, data), found in zip(members.items(), defined, strict=True):
        places += [at + len(content)] * len(found)
        names += b"".join(s.encode() + b"\0" for s in found)
        if bsd:
            content += _member(f"#1/{len(name)}", name.encode() + data)
        elif len(name) > 15:
            content += _member(f"/{long_names.index(name.encode())}", data)
        else:
            content += _member(f"{name}/", data)
    numbers = b"".join(n.to_bytes(width, "big") for n in (len(places), *places))
    head = _member("/SYM64/" if wide else "/", numbers + names) if table else b""
    return MAGIC + head + (_member("//", long_names) if long_names and not bsd else b"") + content


def _member(name: str, data: bytes) -> bytes:
    return f"{name:16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)


def _plain(data: bytes) -> bytes:
    return MAGIC + _member("x/", data)


@pytest.mark.parametrize("form", [{}, {"table": False}, {"bsd": True, "table": False}, {"wide": True}])
def test_all_forms_are_read(form):
    members = {"a.o": object_of("a"), "a name that is long.o": object_of("b"), "c.o": object_of("c")}
    found = Archive(archive(members, **form))
    assert [member.name for member in found.members] == list(members)
    assert found.symbols == {"a": 0, "b": 1, "c": 2}
    assert [found.bytes_of(number) for number in range(3)] == list(members.values())


def names(*inputs: tuple[str, bytes], roots: tuple[str, ...] = ()) -> list[str]:
    return [name for name, _ in gather(inputs, roots)]


def test_only_what_is_needed_is_taken_behind_what_it_needs_itself():
    library = archive({"a.o": object_of("a", "b"), "b.o": object_of("b"), "c.o": object_of("c")})
    main = ("main.o", object_of("main", "a"))
    assert names(main, ("x.a", library)) == ["main.o", "x.a(a.o)", "x.a(b.o)"]
    assert names(("x.a", library), main) == ["x.a(b.o)", "x.a(a.o)", "main.o"]
    assert names(("x.a", library), roots=("c",)) == ["x.a(c.o)"]


def test_a_weak_reference_takes_nothing_and_a_weak_definition_suffices():
    library = archive({"a.o": object_of("a"), "b.o": object_of("b")})
    main = ("main.o", object_of("main", "a", weak=True))
    assert names(main, ("x.a", library)) == ["main.o"]
    assert names(main, ("x.a", library), ("more.o", object_of("more", "a"))) == ["main.o", "x.a(a.o)", "more.o"]
    own = ("own.o", object_of("a", flags=WEAK))
    assert names(own, ("x.a", library), ("more.o", object_of("more", "a"))) == ["own.o", "more.o"]


def test_each_member_is_taken_once_and_the_first_archive_wins():
    both = encode_object([constant("a", 1), constant("b", 2)], [])
    first, second = archive({"one.o": both}), archive({"two.o": object_of("a"), "three.o": object_of("c")})
    main = ("main.o", object_of("main", "a", "b", "c"))
    assert names(main, ("x.a", first), ("y.a", second)) == ["main.o", "x.a(one.o)", "y.a(three.o)"]


def test_archives_of_one_member_each_are_not_taken_for_each_other():
    chain = [(f"{n}.a", archive({"only.o": object_of(f"f{n}", f"f{n + 1}")})) for n in range(200)]
    end = ("end.a", archive({"only.o": object_of("f200")}))
    assert len(names(("main.o", object_of("main", "f0")), *chain, end)) == 202
    assert len(names(*chain[::-1], end, ("main.o", object_of("main", "f0")))) == 202


def test_a_long_chain_in_one_archive():
    members = {f"{n}.o": object_of(f"f{n}", f"f{n + 1}") for n in range(1500)}
    library = archive({**members, "end.o": object_of("f1500")})
    assert len(names(("x.a", library), roots=("f0",))) == 1501


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (MAGIC + b"x", "no header"),
        (MAGIC + _member("a/", b"")[:-2] + b"xx", "no header"),
        (MAGIC + _member("a/", b"abc")[:-2], "longer than the archive"),
        (MAGIC + _member("a/", b"").replace(b"0         `", b"-1        `"), "is no number"),
        (MAGIC + _member("/5", b""), "not in the table of names"),
        (MAGIC + _member("#1/9", b"abc"), "longer than its member"),
        (MAGIC + _member("/", b"\0\0\0\5"), "shorter than it says"),
        (MAGIC + _member("/", b"\0\0\0\1\0\0\0\x08abc"), "more places than names"),
        (MAGIC + _member("/", b"\0\0\0\1\0\0\0\x08abc\0"), "a member that is not there"),
        (MAGIC + _member("a.o/", b"junk"), r"member a\.o: not a WebAssembly file"),
        (b"!<thin>\n", "thin archive"),
    ],
)
def test_broken_archives_say_what_is_wrong(data, what):
    with pytest.raises(ObjectError, match=what):
        Archive(data)
    with pytest.raises(LinkError, match=rf"^x\.a: .*{what}"):
        link([("x.a", data)], entry=None)


def test_a_broken_member_is_named_when_it_is_taken():
    library = archive({"a.o": object_of("a"), "b.o": object_of("b")}).replace(b"\0asm", b"\0bsm")
    assert names(("x.a", library)) == []
    with pytest.raises(InputError, match=r"^x\.a\(b\.o\): not a WebAssembly file"):
        gather([("x.a", library)], ["b"])


def test_an_empty_archive_offers_nothing():
    assert Archive(MAGIC).symbols == {}
