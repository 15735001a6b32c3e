"""Every diagnostic has file, line, column and text, and they agree with the source, whoever makes it."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import orchestrator
from actors.diagnostics import Diagnostic
from actors.events import BuildFinished, DiagnosticFound
from orchestrator.cli.app import main
from orchestrator.codes import all_codes
from orchestrator.toolchains.ruchy import Ruchy
from tests.acceptance.acceptance_tools import opened

CODES = all_codes()

pytestmark = pytest.mark.anyio

SUITE = Path(__file__).parent.parent / "conformance"
WHOLE_FILES = {"E0802", "E0803", "E0807", "W0801"}
"""Codes that may be said of a file as a whole."""


def mutated(texts: list[str], count: int) -> Iterable[str]:
    """Texts in which a few characters are left out, doubled or exchanged."""
    chance = random.Random(13)
    for number in range(count):
        text = texts[number % len(texts)]
        for _ in range(2):
            at = chance.randrange(len(text) or 1)
            put = chance.choice(["", "", text[at : at + 2] * 2, "}", "(", '"', ";", "§", "\t", "let ", "\r\n", "日本"])
            text = text[:at] + put + text[at + chance.randrange(3) :]
        yield text


def wrong_programs() -> dict[str, str]:
    suite = [file.read_text() for file in sorted((SUITE / "errors").glob("*.ruchy"))]
    right = [file.read_text() for file in sorted((SUITE / "single").glob("*.ruchy"))[:40]]
    registry = [code.wrong for code in CODES.values()]
    odd = [
        "fun f() { let x = 1;" + " " * 3000 + "nope(); }",
        "fun f() {",
        "\n\n\n)",
        "fun f() {\n\tlet x: i64 = true;\r\n}",
    ]
    odd += ["use nowhere::f;\nfun g() { f() }", "fun g() { no::where() }", "\ufefffun f() -> i64 { true }", "}"]
    texts = [*suite, *registry, *odd, *mutated(suite, 10), *mutated(right, 30)]
    return {f"m{number}.ruchy": text for number, text in enumerate(texts)}


WRONG = wrong_programs()


def held(found: Iterable[Diagnostic], sources: Mapping[str, str]) -> int:
    """Holds each diagnostic against the source that it names; how many there are."""
    count = 0
    for one in found:
        count += 1
        assert one.file in sources, one
        lines = Ruchy().normalise(sources[one.file].encode()).decode().split("\n")
        if one.place == "file":
            assert one.code in WHOLE_FILES and (one.line, one.column, one.text) == (1, 1, ""), one
            continue
        assert one.place == "source" and 1 <= one.line <= len(lines), one
        line = lines[one.line - 1]
        assert line[one.cut : one.cut + len(one.text)] == one.text, one
        assert len(one.text) == min(len(line), 1_000) or one.cut, one
        assert 0 <= one.column - 1 - one.cut <= len(one.text), one
        assert one.length >= 1 and one.column - 1 + one.length <= max(len(line), one.column), one
        assert one.code in CODES and one.message and one.code != "E0901", one
    return count


def apart(sources: Mapping[str, str]) -> Mapping[str, str]:
    """The same modules, and an entry that uses some of them."""
    uses = "".join(f"use {name.removesuffix('.ruchy')}::f;\n" for name in itertools.islice(sources, 5))
    return {**sources, "main.ruchy": f"{uses}fun main() {{ println(1) }}\n"}


@pytest.mark.slow
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_of_many_modules_in_memory_and_of_events(anyio_backend: str) -> None:
    sources = apart(WRONG)
    modules = orchestrator.Sources(dict.fromkeys(sources, ""))
    async with orchestrator.open(modules, jobs=1) as project:
        events: list[object] = []
        project.listen(events.append)
        await project.build()
        for name, text in sources.items():
            modules[name] = text
        first = await project.build()
        assert held(first.diagnostics, sources) > len(WRONG)
        assert len({one.file for one in first.diagnostics}) > 0.9 * len(WRONG)
        assert held((one.diagnostic for one in events if isinstance(one, DiagnosticFound)), sources)
        last = [one for one in events if isinstance(one, BuildFinished)][-1]
        assert list(last.diagnostics) == first.diagnostics
        graph = await project.graph()
        assert held(graph.diagnostics, sources)


@pytest.mark.slow
async def test_of_files_after_an_edit_of_others_and_in_a_new_process(tmp_path: Path) -> None:
    """The texts of modules that did not change are not at hand, and are read where something is to be said of them."""
    names = [f"m{number}" for number in range(6)]
    for name in names:
        unused = "    let unused = 1;\n" if name == "m5" else ""
        (tmp_path / f"{name}.ruchy").write_text(
            f"use low::f;\n\npub fun g() -> i64 {{\n{unused}    f() + low::f()\n}}\n"
        )
    (tmp_path / "main.ruchy").write_text("use m0::g;\npub fun shown(s: String) { }\nfun main() { println(g()) }\n")
    (tmp_path / "low.ruchy").write_text("pub fun f() -> i64 { 1 }\n")

    def there() -> dict[str, str]:
        return {file.name: file.read_text() for file in tmp_path.glob("*.ruchy")}

    for notes in (1, 0):  # what the link notes is said by builds that link
        async with opened(tmp_path) as bench:
            built = await bench.build()
            assert built.success and held(built.diagnostics, there()) == 1 + notes
            assert built.diagnostics[0].code == "W0004"
        async with opened(tmp_path) as bench:
            await bench.build()
            bench.write(low="pub fun ff() -> i64 { 1 }\n")
            failed = await bench.build()
            assert {one.file for one in failed.diagnostics} == {f"{name}.ruchy" for name in names}
            assert held(failed.diagnostics, there()) == len(names) * 2
        async with opened(tmp_path) as bench:
            assert (await bench.build()).diagnostics == failed.diagnostics
            assert held((await bench.project.graph()).diagnostics, there()) == len(names) * 2
            bench.write(low="pub fun f() -> i64 { 1 }\n")


async def test_of_what_the_link_finds_where_the_text_is_not_at_hand(tmp_path: Path) -> None:
    texts = {"main": "use low::f;\n#[a]\npub fun memory() { f() }\n", "low": "pub fun f() { }\n"}
    async with opened(tmp_path) as bench:
        bench.write(**texts)
        for body in ("{ }", "{ println(1) }", "{ println(2) }"):
            bench.write(low=f"pub fun f() {body}\n")
            (found,) = (await bench.build()).diagnostics
            assert (found.code, found.file, found.line, found.column, found.length) == ("E0812", "main.ruchy", 3, 9, 6)
            assert found.text == "pub fun memory() { f() }"


@pytest.mark.slow
def test_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From any folder, on the terminal and as JSON; files can be opened from there."""
    sources = {name: WRONG[name] for name in list(WRONG)[:40]}
    folder, elsewhere = tmp_path / "app" / "src", tmp_path / "else where"
    for place in (folder, elsewhere):
        place.mkdir(parents=True)
    for name, text in apart(sources).items():
        (folder / name).write_bytes(text.encode())
    for place in (elsewhere, folder, tmp_path, Path("/")):
        monkeypatch.chdir(place)
        assert main(["build", "--json", str(tmp_path / "app")]) == 1
        out, err = capsys.readouterr()
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines[0]["event"] == "build-started" and lines[0]["root"] == str(folder)
        for one in lines[-1]["diagnostics"]:
            assert (Path(lines[0]["root"]) / one["file"]).is_file()
            assert one["line"] > 0 and one["column"] > 0 and "text" in one
        said = [text for text in err.split("\n\n") if "error[" in text or "warning[" in text]
        assert len(said) == len(lines[-1]["diagnostics"])
        for text in said:
            head, *excerpt = text.splitlines()
            file, line, column, _ = head.split(":", 3)
            assert Path(file).is_file() and file.endswith(".ruchy") and int(column) > 0
            assert excerpt[0].split("|")[0].strip() == line
    monkeypatch.chdir(folder)
    main(["build"])
    assert capsys.readouterr().err.startswith("m0.ruchy:")


def test_what_is_about_no_source_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.ruchy").write_text("pub fun f() { }\n")
    Path("b.ruchy").write_bytes(b"\xef\xbb\xbffun f() { }\r\n  \xff\n")
    Path("c-d.ruchy").write_text("")
    Path("wasmill.toml").write_text('[project]\nentry = "nowhere.ruchy"\n')
    assert main(["build", "--json"]) == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["diagnostics"]
    seen = [(one["code"], one.get("place"), one["file"], one["line"], one["column"], one["text"]) for one in found]
    assert seen == [
        ("E0808", "project", ".", 1, 1, ""),
        ("E0801", None, "b.ruchy", 2, 3, "  \ufffd"),
        ("W0801", "file", "c-d.ruchy", 1, 1, ""),
    ]


def test_without_a_place_there_is_no_diagnostic() -> None:
    """By type checkers too: these are the errors that they ignore here."""
    place = {"file": "a", "line": 1, "column": 1, "text": ""}
    assert Diagnostic(code="E1", message="m", **place)  # type: ignore[arg-type]
    for name in place:
        with pytest.raises(TypeError):
            Diagnostic(code="E1", message="m", **{key: value for key, value in place.items() if key != name})  # type: ignore[arg-type]
    for more in ({"file": ""}, {"line": 0}, {"column": 0}, {"column": 2}, {"cut": 1}):
        with pytest.raises(ValueError):
            Diagnostic(code="E1", message="m", **(place | more))  # type: ignore[arg-type]


async def test_what_is_wrong_in_a_body_hides_nothing_of_other_functions() -> None:
    bodies = ("n +", "let x = ;", "n § 1", "99999999999999999999", "null", "class X { }", 'f"{n"', "n.")
    for body in bodies:
        text = f"use low::f;\npub fun g(n: i64) -> i64 {{ {body} }}\n"
        text += "fun main() {\n    f(true);\n    let x: String = g(1);\n}\n"
        sources = {"main.ruchy": text, "low.ruchy": "pub fun f(n: i64) { println(n) }\n"}
        async with orchestrator.open(orchestrator.Sources(sources), jobs=1) as project:
            found = (await project.build()).diagnostics
        assert held(found, sources) >= 3 and found[0].line == 2, body
        assert [(one.code, one.line) for one in found if one.line > 2] == [("E0204", 4), ("E0201", 5)], body
