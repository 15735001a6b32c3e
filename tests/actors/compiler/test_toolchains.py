"""Which toolchain compiles a file, and which one links a program."""

from __future__ import annotations

import pytest

from actors.compiler import process
from actors.compiler.toolchain import (
    Compares,
    CompileJob,
    Explains,
    Infers,
    LinksKinds,
    NamesEntry,
    Prepares,
    RemembersLinks,
    SummariseJob,
)
from actors.compiler.toolchains import ToolchainPlace, Toolchains, configured, load_toolchains, place_of
from actors.messages import CompileOutcome, RunCompile, RunSummarise, SummariseOutcome
from orchestrator.testing.toolchain import PlainToolchain, TunableToolchain, WordsToolchain
from orchestrator.toolchains.ruchy import Ruchy

PARTS = (Compares, Explains, Infers, LinksKinds, NamesEntry, Prepares, RemembersLinks)


class Named(PlainToolchain):
    def __init__(self, name: str, *extensions: str, kind: str = "", links: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        self.name, self.extensions = name, extensions
        self.object_kind = kind or name
        self.linked_kinds = (*links, self.object_kind)


def test_the_optional_parts_of_a_toolchain_are_told_by_its_methods() -> None:
    assert {part for part in PARTS if isinstance(PlainToolchain(), part)} == set()
    assert {part for part in PARTS if isinstance(WordsToolchain(), part)} == {LinksKinds}
    assert {part for part in PARTS if isinstance(Ruchy(), part)} == set(PARTS) - {LinksKinds}


def test_the_extension_decides() -> None:
    plain, words = PlainToolchain(), WordsToolchain()
    both = Toolchains(plain, words)
    assert both.of("a/b.plain") is plain
    assert both.of("a/b.words") is words
    assert (both.named("words"), both.named("")) == (words, plain)
    assert both.extensions == (".plain", ".words")
    assert both.entries == ("main.plain", "main.words")


def test_the_longest_extension_counts() -> None:
    short, long = Named("short", ".x"), Named("long", ".y.x")
    both = Toolchains(short, long)
    assert both.of("a.y.x") is long
    assert both.of("a.x") is short


def test_one_toolchain_takes_every_file() -> None:
    plain = PlainToolchain()
    assert Toolchains(plain).of("odd") is plain


def test_a_toolchain_may_name_its_entries() -> None:
    assert Toolchains(Ruchy(), PlainToolchain()).entries == ("main.ruchy", "main.plain")


def test_two_toolchains_of_one_extension_or_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`a` and `b` both take `\.x` files"):
        Toolchains(Named("a", ".x"), Named("b", ".y", ".x"))
    with pytest.raises(ValueError, match="two toolchains have one name"):
        Toolchains(Named("a", ".x"), Named("a", ".y"))


def test_the_identity_of_one_is_its_own() -> None:
    plain, words = PlainToolchain(), WordsToolchain()
    assert Toolchains(plain).identity() == plain.identity()
    both = Toolchains(plain, words)
    assert both.identities() == {"plain": plain.identity(), "words": words.identity()}
    assert len({both.identity(), plain.identity(), Toolchains(plain, WordsToolchain("2")).identity()}) == 3


def test_the_linker_takes_all_kinds_of_the_objects() -> None:
    a, b = Named("a", ".a"), Named("b", ".b", links=("a",))
    both = Toolchains(a, b)
    assert both.linker("m.a", ["m.a"]) is a
    assert both.linker("m.b", ["m.b", "n.a"]) is b
    assert both.linker("m.a", ["m.a", "n.b"]) is b, "that of the entry does not take both"
    assert Toolchains(a, Named("c", ".c")).linker("m.a", ["m.a", "n.c"]) is None
    shared = Toolchains(Named("a", ".a", kind="wasm"), Named("c", ".c", kind="wasm"))
    assert shared.linker("m.c", ["m.c", "n.a"]) is shared.named("c"), "the entry's own comes first"


def test_a_worker_process_uses_the_toolchain_of_each_file() -> None:
    names = ("PlainToolchain", "WordsToolchain")
    place = place_of([ToolchainPlace(place=f"orchestrator.testing.toolchain:{name}") for name in names])
    both = load_toolchains(place)
    assert (both.place, [one.name for one in both.members]) == (place, ["plain", "words"])
    plain, words = both.members
    assert isinstance(plain, PlainToolchain) and isinstance(words, PlainToolchain)
    jobs = tuple(SummariseJob(module=name, path=f"{name}.{name}", source=b"f = 1") for name in ("words", "plain"))
    found = list(process.outcomes(both, RunSummarise(build=1, jobs=jobs)))
    assert [one.module for one in found if isinstance(one, SummariseOutcome) and one.summarised] == ["words", "plain"]
    compiles = tuple(CompileJob(module=one.module, path=one.path, source=one.source) for one in jobs)
    made = list(process.outcomes(both, RunCompile(build=1, jobs=compiles)))
    assert [one.module for one in made if isinstance(one, CompileOutcome) and one.compiled] == ["words", "plain"]
    assert words.calls == [("summarise", "words"), ("compile", "words")]
    assert plain.calls == [("summarise", "plain"), ("compile", "plain")]


def test_a_worker_process_has_the_extensions_and_options_of_wasmill_toml() -> None:
    place = ToolchainPlace(
        place="orchestrator.testing.toolchain:TunableToolchain", extensions=(".x",), options={"mark": "m", "width": 9}
    )
    found = load_toolchains(place_of([place]))
    [tunable] = found.members
    assert isinstance(tunable, TunableToolchain)
    assert (tunable.mark, tunable.width, found.extensions) == ("m", 9, (".x",))
    assert (found.entries, found.of("main.x")) == (("main.x",), tunable)
    plain = load_toolchains(place_of([ToolchainPlace(place=place.place)]))
    assert (plain.extensions, plain.entries) == ((".tune",), ("main.tune",))
    assert plain.identity() != found.identity() == TunableToolchain("m").identity()
    with pytest.raises(ValueError, match="`tunable` has no option `colour`"):
        configured(tunable, {"colour": "red"})
    with pytest.raises(ValueError, match="`plain` has no option `mark`"):
        configured(PlainToolchain(), {"mark": ""})


def test_given_extensions_count_wherever_extensions_do() -> None:
    plain, words = PlainToolchain(), WordsToolchain()
    both = Toolchains(plain, words, extensions={"plain": (".txt", ".text"), "words": ()})
    assert both.extensions == (".words", ".text", ".txt")
    assert [both.of(path).name for path in ("a.txt", "a.text", "a.words")] == ["plain", "plain", "words"]
    assert both.entries == ("main.txt", "main.text", "main.words")
    assert both.identity() != Toolchains(plain, words).identity()
    assert both != Toolchains(plain, words) == Toolchains(plain, words, extensions={})
    assert Toolchains(Ruchy(), extensions={"ruchy": (".rr",)}).entries == ("main.rr",)
    with pytest.raises(ValueError, match=r"`plain` and `words` both take `\.words` files"):
        Toolchains(plain, words, extensions={"plain": (".words",)})
