"""What the documents show is what happens: their examples run, and give what is said."""

from __future__ import annotations

import json
import linecache
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from orchestrator.testing.equality import incremental_equals_full

ROOT = Path(__file__).parents[1]


def blocks(document: str, language: str) -> list[tuple[str, str]]:
    """The code blocks of a document, each under its heading."""
    heading, found = "", []
    pattern = re.compile(rf"^## ([^\n]+)$|^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for part in pattern.findall((ROOT / document).read_text()):
        heading = part[0] or heading
        if part[1]:
            found.append((heading, part[1]))
    return found


EXAMPLES = blocks("docs/embedding.md", "python")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, to stand in for the root of the repository."""
    shutil.copytree(
        ROOT / "docs/examples",
        tmp_path / "docs/examples",
        ignore=shutil.ignore_patterns(".ruchy-cache", "build", "out"),
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 9


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for _, code in EXAMPLES], ids=[heading for heading, _ in EXAMPLES])
def test_embedding_example_runs(code: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "docs/embedding.md", "exec"), {"__name__": "__main__"})


def test_the_least_toolchain_of_the_architecture_page_works(repository: Path) -> None:
    ((_, code),) = blocks("docs/architecture.md", "python")
    exec(compile(code, "docs/architecture.md", "exec"), {"__name__": "__main__"})


WORLDS = blocks("docs/testing-builds.md", "python")


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for _, code in WORLDS], ids=[heading for heading, _ in WORLDS])
def test_example_of_testing_builds_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "docs/testing-builds.md", "exec"), {"__name__": "__main__"})


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_least_toolchain_keeps_what_the_oracle_asks() -> None:
    """A stranger's toolchain, in the simulated world and its oracle."""
    ((_, code),) = blocks("docs/architecture.md", "python")
    names: dict[str, Any] = {"__name__": "words"}
    exec(compile(code.replace("anyio.run(main)", ""), "docs/architecture.md", "exec"), names)
    versions: list[dict[str, str | None]] = [
        {"main": "use low::x\ny = x", "low": "x = 1"},
        {"low": "x = 2"},
        {"low": None},
        {"low": "x = 1"},
    ]
    results = await incremental_equals_full(names["Words"](), versions)
    assert [result.recompiled for result in results] == [["low", "main"], ["low", "main"], [], []]


@pytest.mark.slow
def test_the_page_on_testing_finds_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Its blocks run one after the other, and the failures that they print are those that are shown."""
    document = (ROOT / "docs/testing-concurrency.md").read_text()
    names: dict[str, object] = {"__name__": "account"}
    files = {0: "account.py", -1: "bank.py"}
    found = blocks("docs/testing-concurrency.md", "python")
    assert len(found) >= 6
    for number, (heading, code) in enumerate(found):
        name = files.get(-1 if heading == "Deadlocks" else number, f"later{number}.py")
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)  # A table shows its lines.
        exec(compile(code, name, "exec"), names)
    # What is in a block of no language.
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert capsys.readouterr().out == "".join(text for language, text in fences if not language)


def test_the_page_on_testing_knows_every_option() -> None:
    import inspect

    from orchestrator.testing import plugin

    document = (ROOT / "docs/testing-concurrency.md").read_text()
    options = set(re.findall(r'addoption\(\s*"(--[a-z-]+)"', inspect.getsource(plugin.pytest_addoption)))
    assert options == set(re.findall(r"`(--schedule[a-z-]*)", document))
    arguments = list(inspect.signature(plugin.marker_arguments).parameters)
    assert arguments == re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.anyio
async def test_readme_example_runs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = next(code for _, code in blocks("README.md", "python")).replace("anyio.run(main)", "")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    await names["main"]()  # type: ignore[operator]
    assert (ROOT / "docs/examples/invoice/expected.out").read_text() in capsys.readouterr().out


def write_tiny(folder: Path, document: str = "docs/keys.md") -> None:
    """The files that a document shows, each with its name in a comment on top."""
    for _, text in blocks(document, "ruchy"):
        name, _, content = text.partition("\n")
        (folder / name.removeprefix("// ")).write_text(content)


def metadata(folder: Path) -> dict[str, dict]:
    """The manifests in a project's cache, by key."""
    files = (folder / ".ruchy-cache/metadata").glob("*.json")
    return {file.stem: json.loads(file.read_text())["manifest"] for file in files}


def shortened(value: object) -> object:
    """The same with digests cut, as the document has them."""
    if isinstance(value, str):
        return "DIGEST" if re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{8}…", value) else value
    if isinstance(value, dict):
        return {key: shortened(one) for key, one in value.items()}
    return [shortened(one) for one in value] if isinstance(value, list) else value


@pytest.mark.anyio
async def test_the_manifests_of_the_example_are_those_shown(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    async with orchestrator.open(tmp_path) as project:
        result = await project.build()
    assert result.success
    assert result.diagnostics == []
    real = metadata(tmp_path)
    shown = [json.loads(text) for _, text in blocks("docs/keys.md", "json")]
    main = next(one for one in real.values() if one.get("module") == "main")
    program = next(one for one in real.values() if one["kind"] == "program")
    assert [shortened(main), shortened(program)] == [shortened(one) for one in shown]
    assert [list(main), list(program)] == [list(one) for one in shown]
    tax = next(key for key, one in real.items() if one.get("module") == "tax")
    assert main["imports"] == {"tax": tax}


@pytest.mark.anyio
async def test_the_edits_of_the_example_do_what_is_said(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    linked = []
    async with orchestrator.open(tmp_path) as project:
        await project.build()
        project.listen(lambda event: linked.append(event) if type(event).__name__ == "ProgramLinked" else None)

        tax = tmp_path / "tax.ruchy"
        tax.write_text(tax.read_text().replace("20", "25"))
        result = await project.build()
        reasons = {name: reason.kind for name, reason in result.reasons.items() if "::" not in name}
        assert reasons == {"tax": "source", "main": "import"}
        assert len(linked) == 1

        main = tmp_path / "main.ruchy"
        main.write_text("// a comment\n" + main.read_text())
        result = await project.build()
        assert result.recompiled == ["main"]
        assert len(linked) == 1  # its object is the same, for nothing in it can trap


NOT_YET = {
    "inside of constants": "const A: i64 = try { 1 } catch e { 2 }; fun main() { println(A) }",
    "inside of `finally`": "fun main() { try { println(1) } finally { return } }",
}


def test_the_list_of_what_is_not_there_yet_is_the_one_tested() -> None:
    text = (ROOT / "docs/language.md").read_text()
    listed = re.search(r'"not supported yet":\n\n(.*?)\n\n', text, re.DOTALL)
    assert listed
    for name in NOT_YET:
        assert name in listed[1], name


async def codes_of(text: str) -> list[str]:
    async with orchestrator.open(orchestrator.Sources({"main.ruchy": text})) as project:
        result = await project.build()
    return [found.code for found in result.diagnostics if found.severity == "error"]


@pytest.mark.anyio
@pytest.mark.parametrize("text", NOT_YET.values(), ids=list(NOT_YET))
async def test_what_is_not_there_yet_says_so(text: str) -> None:
    assert "E0720" in await codes_of(text)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("E0205", "fun main() { let x: u8 = 300; println(x); }"),
        ("E0207", "fun f(a: u64, b: i64) { println(a + b); }"),
        ("E0505", "println(std::net::connect(1))"),
        ("E0701", "actor A { }"),
        ("E0702", "async fun f() { }"),
        ("E0705", "class P : Q { }"),
        ("E0706", "interface T { }"),
        ("E0709", "fun main() { let o = {b: 1, ...a}; }"),
        ("E0712", "fun main() { let x = null; }"),
        ("E0714", "fun main() { let mut x = 1; x++; }"),
        ("E0812", "pub fun memory() { }"),
    ],
)
async def test_the_code_that_the_language_page_names(code: str, text: str) -> None:
    assert await codes_of(text) == [code]


RUNS = [
    ("println(5.0, 0.1 + 0.2, 1e20, 1.0 / 0.0);", "5.0 0.30000000000000004 100000000000000000000.0 inf\n"),
    ('let s = "héllo"; println(s.len(), s[1], s[1..3], s[-1]);', "6 é él o\n"),
    ('println("a" + 1, "ab" * 3);', "a1 ababab\n"),
    ("println(7 / -2, 7 % -2, -7 % 2, 2.9 as i64, true ? 1 : 2);", "-3 1 -1 2 1\n"),
]
TRAPS = [
    ("let x: i32 = 2147483647; println(x + 1);", "integer overflow"),
    ("let z = 0; println(1 / z);", "division by zero"),
    ("let n = 64; println(1 << n);", "shift amount out of range"),
    ("let n = -1; println(2 ** n);", "negative exponent"),
    ("let n = 300; println(n as u8);", "cast does not fit in u8"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "output"), RUNS)
async def test_values_as_the_language_page_has_them(body: str, output: str) -> None:
    async with orchestrator.open(orchestrator.Sources({"main.ruchy": f"fun main() {{ {body} }}"})) as project:
        outcome = await project.run()
    assert (outcome.exit_code, outcome.stdout.decode(), outcome.stderr) == (0, output, b"")


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "reason"), TRAPS)
async def test_traps_as_the_language_page_has_them(body: str, reason: str) -> None:
    async with orchestrator.open(orchestrator.Sources({"main.ruchy": f"fun main() {{ {body} }}"})) as project:
        outcome = await project.run()
    assert (outcome.exit_code, outcome.stdout) == (134, b"")
    assert outcome.stderr.decode() == f"error: main.ruchy:1: {reason}\n"


def test_the_words_of_the_architecture_page_are_those_of_the_code() -> None:
    """Each noun and each verb stands in the tables once, and occurs in the packages."""
    section = (ROOT / "docs/architecture.md").read_text().partition("## Words")[2].partition("\n## ")[0]
    words = [word for row in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE) for word in row.split(", ")]
    words.remove("noun")
    words.remove("verb")
    assert len(set(words)) == len(words) > 50
    files = [file for package in ("actors", "orchestrator") for file in (ROOT / package).rglob("*.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files).lower().replace("_", " ")
    assert [word for word in words if word.removesuffix("e") not in code] == []  # "invalidation"
