"""The rules of the house that a machine can check: who imports whom, sizes of files, codes, and true documents."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import orchestrator
from actors import events
from actors.planner.keys import LinkManifest, ObjectManifest, ProgramManifest
from orchestrator.codes import all_codes, registries

CODES = all_codes()

ROOT = Path(__file__).parents[1]
PACKAGES = ("actors", "orchestrator")
MOST_LINES = 600
MOST_FIELDS = 20


def python_files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def imports(file: Path) -> tuple[set[str], set[str]]:
    """The full names of all modules that a file imports, wherever in it; and of what it takes from them by name."""
    found: set[str] = set()
    members: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(file)}: a relative import"
            found.add(node.module or "")
            members.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            found.update(str(word.value) for word in node.args if isinstance(word, ast.Constant))
    return found, members


def imported(file: Path) -> set[str]:
    return imports(file)[0]


def tops(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(file)}


# ------------------------------------------------------------------------------------------------ who imports whom


@pytest.mark.slow
def test_actors_never_import_orchestrator() -> None:
    assert [named(file) for file in python_files("actors") if "orchestrator" in tops(file)] == []


def test_the_walk_over_imports_sees_every_kind(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(
        "import a.b\nfrom c.d import e\ndef f():\n    from g import h\n    importlib.import_module('i.j')\n"
        "if TYPE_CHECKING:\n    import k as l\n"
    )
    assert imported(file) == {"a.b", "c.d", "g", "i.j", "k"}


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected parts of a graph that have two members or more, sorted (Tarjan)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        open_.append(module)
        for other in edges[module]:
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in open_:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            at = open_.index(module)
            if len(open_) - at > 1:
                found.append(sorted(open_[at:]))
            del open_[at:]

    for module in edges:
        if module not in number:
            visit(module)
    return sorted(found)


def test_the_search_for_circles_finds_them() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str](), "e": {"f", "a"}, "f": {"e"}}
    assert circles(edges) == [["b", "c"], ["e", "f"]]


@pytest.mark.slow
def test_no_imports_go_in_a_circle() -> None:
    """Lazy imports and those for type checkers alone count as well. `from package import module` is an import of both.
    That a package is loaded before its modules counts for nothing: its front stands above them, or has no imports."""
    files = {named(file).removesuffix(".py").replace("/", "."): file for file in python_files(*PACKAGES)}
    modules = {name.removesuffix(".__init__"): file for name, file in files.items()}
    edges = {name: set.union(*imports(file)) & (modules.keys() - {name}) for name, file in modules.items()}
    assert circles(edges) == []


@pytest.mark.slow
def test_no_bare_asyncio_and_no_dataclasses() -> None:
    """Only the explorer of schedules, which serves it without AnyIO too, knows asyncio; `dataclasses` costs a fifth of
    a start."""
    files = python_files(*PACKAGES)
    know = [named(file) for file in files if "asyncio" in tops(file)]
    assert [name for name in know if not name.startswith("orchestrator/testing/schedules/")] == []
    assert [named(file) for file in files if "dataclasses" in tops(file)] == []


@pytest.mark.slow
def test_nothing_of_the_product_imports_the_testing_package() -> None:
    files = [file for file in python_files(*PACKAGES) if "orchestrator/testing" not in named(file)]
    users = [named(file) for file in files if any(name.startswith("orchestrator.testing") for name in imported(file))]
    assert users == []


def test_the_wasm_room_knows_no_language_and_no_actor_but_words() -> None:
    """`orchestrator.wasm` is used by every toolchain: it imports none of them."""
    for file in python_files("orchestrator/wasm"):
        assert not [name for name in imported(file) if name.startswith(("orchestrator.toolchains", "orchestrator.cli"))]


# ------------------------------------------------------------------------------------------------ the public names


def test_public_names_are_sorted_and_complete() -> None:
    assert orchestrator.__all__ == sorted(orchestrator.__all__)
    assert set(orchestrator.__all__) == {*orchestrator._HOMES, *events.__all__}
    assert events.__all__ == sorted(events.__all__) == orchestrator.events.__all__
    assert set(get_args(events.Event)) <= {getattr(events, name) for name in events.__all__}
    assert dir(orchestrator) == orchestrator.__all__
    assert _for_type_checkers() == set(orchestrator.__all__)


def _for_type_checkers() -> set[str]:
    """The names that type checkers see, under `if TYPE_CHECKING:`."""
    tree = ast.parse((ROOT / "orchestrator/__init__.py").read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    names = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert "*" in names
    return (names - {"*"}) | set(events.__all__)


@pytest.mark.parametrize("name", orchestrator.__all__)
def test_public_name_resolves_to_its_home(name: str) -> None:
    home = importlib.import_module(orchestrator._HOMES.get(name, "actors.events"))
    assert getattr(orchestrator, name) is getattr(home, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = orchestrator.nothing  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import orchestrator; print(*sorted(set(sys.modules) - before))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["orchestrator"]


# ------------------------------------------------------------------------------------------------ files


def test_whoever_decodes_minds_all_that_decoding_may_raise() -> None:
    """msgspec raises RecursionError and UnicodeDecodeError as well: `actors.untrusted.UNREADABLE` has all of them."""
    for path in sorted([*(ROOT / "actors").rglob("*.py"), *(ROOT / "orchestrator").rglob("*.py")]):
        assert (
            re.search(r"except [^\n]*(MsgspecError|msgspec\.DecodeError|ValidationError)", path.read_text()) is None
        ), path


SHARED_NAMES = {
    # One class for each step of the compiler: as written (`syntax/tree.py`), as checked (`check/`).
    *(
        "ArrayType",
        "Block",
        "Break",
        "Call",
        "Cast",
        "Continue",
        "FunctionType",
        "If",
        "Let",
        "Loop",
        "Module",
        "Return",
        "TupleType",
    ),
    *("While", "FunctionType"),
    # The same thing for async code and for plain code (`orchestrator/sync.py`).
    *("Cache", "Project"),
    # An event, and the exception that says the same.
    "BuildCancelled",
}
"""Names of classes that may stand in more than one file. Add none but for a pair like the first ones."""


def shared_names(root: Path) -> dict[str, list[str]]:
    """The names of classes that stand in more than one file, with these files. Classes inside of functions have no
    part in it."""
    places: dict[str, set[str]] = {}
    for top in ("actors", "orchestrator", "tests"):
        for file in sorted((root / top).rglob("*.py")):
            for node in ast.parse(file.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, set()).add(str(file.relative_to(root)))
    return {name: sorted(files) for name, files in places.items() if len(files) > 1}


@pytest.mark.slow
def test_a_class_has_a_name_of_its_own(tmp_path: Path) -> None:
    shared = shared_names(ROOT)
    assert {name: files for name, files in shared.items() if name not in SHARED_NAMES} == {}
    for top in ("actors", "tests"):
        (tmp_path / top).mkdir()
        (tmp_path / top / "one.py").write_text(f"class Same: ...\nclass Only{top}: ...\n")
    assert shared_names(tmp_path) == {"Same": ["actors/one.py", "tests/one.py"]}


def test_files_are_short() -> None:
    lengths = {named(file): len(file.read_text(encoding="utf-8").splitlines()) for file in python_files(*PACKAGES)}
    assert {file for file, lines in lengths.items() if lines > MOST_LINES} == set()


def fields_of(node: ast.ClassDef) -> set[str]:
    """What a class declares, and what its methods set on `self`."""
    declared = {
        one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    set_on_self = {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and isinstance(one.ctx, ast.Store)
        and isinstance(one.value, ast.Name)
        and one.value.id == "self"
    }
    return declared | set_on_self


SAY_NOTHING = {"found", "made", "there", "thing", "got", "stuff", "foo"}


def test_locals_say_what_they_hold() -> None:
    """`found` and `made` are true of every value. A name says which one this is."""
    wrong = {
        f"{named(file)}:{node.lineno}: {name}"
        for file in python_files(*PACKAGES)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in SAY_NOTHING & locals_of(node)
    }
    assert wrong == set()


def locals_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}


def test_classes_have_few_fields() -> None:
    """More than twenty fields are several ideas. `Settings` types the keywords of `orchestrator.open`, one for each
    setting. `LinkModel` and `_Frozen` are records of files: a field for each part of the format, decoded in one go."""
    counted = {
        node.name
        for file in python_files(*PACKAGES)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and len(fields_of(node)) > MOST_FIELDS
    }
    assert counted == {"Settings", "LinkModel", "_Frozen"}


def texts() -> list[Path]:
    """Everything that is committed and is text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git repository")
    found = []
    for name in listed.stdout.decode().split("\0"):
        file = ROOT / name
        if name and file.is_file() and file.suffix not in (".wasm", ".png"):
            found.append(file)
    return found


FOREIGN = re.compile(
    r"(?<![\w.>])/(?:work|root|home)/|artifactory|\bnexus\b|index-url|registry\.npmjs|files\.pythonhosted"
)
"""Folders of somebody's machine, and hosts that packages come from."""


@pytest.mark.slow
def test_nothing_names_a_machine_or_a_registry() -> None:
    found = []
    for file in texts():
        if file == Path(__file__).resolve():
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{named(file)}:{number}: {line.strip()}")
    assert found == []


OLD_WORDS = re.compile(
    r", for (?:it|they|there|this|that|nobody) (?:is|are|was|were|may|can|has|have|would|does|do)\b"
    r"|\bwhoever\b|\bthere stands\b|\bnames of which\b|\bwhat came of (?:it|them|each)\b",
    re.IGNORECASE,
)
"""Turns of phrase that plain English does without: "because", "the process that", "the result" say the same."""


@pytest.mark.slow
def test_texts_are_in_plain_english() -> None:
    found = []
    for file in [*python_files(*PACKAGES), *DOCUMENTS]:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if OLD_WORDS.search(line):
                found.append(f"{named(file)}:{number}: {line.strip()}")
    assert found == []
    assert OLD_WORDS.search("It is sorted, for it is a set.") and OLD_WORDS.search("Whoever asks")
    assert not OLD_WORDS.search("a row for it is made, and for that module")


IMPERATIVES = re.compile(
    r"Add|Answer|Ask|Assert|Await|Begin|Block|Build|Call|Cancel|Change|Check|Choose|Claim|Clear|"
    r"Close|Collect|Compare|Compile|Configure|Count|Create|Decide|Do|Drop|Emit|End|Enter|Evict|"
    r"Explore|Fail|Fetch|Fill|Find|Follow|Forget|Get|Give|Go|Handle|Have|Hide|Hold|Import|Insert|"
    r"Join|Keep|Leave|Let|Link|Listen|Load|Look|Make|Mark|Move|Note|Open|Parse|Pin|Prepare|Print|"
    r"Publish|Put|Quarantine|Raise|Read|Release|Remove|Replace|Replay|Report|Reset|Resolve|Retry|"
    r"Return|Run|Save|Say|Search|See|Send|Set|Skip|Sort|Stamp|Start|Stop|Store|Take|Tell|Turn|"
    r"Undo|Update|Use|Verify|Visit|Wait|Wake|Watch|Wrap|Write"
)


def in_the_imperative(text: str) -> list[str]:
    """The names of the functions of a file whose docstrings begin with an order."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            words = (ast.get_docstring(node) or "").split()
            if words and IMPERATIVES.fullmatch(words[0].strip(".,;:")):
                found.append(node.name)
    return found


@pytest.mark.slow
def test_docstrings_are_in_one_mood() -> None:
    """They say what a function does ("Returns", "Writes"), and give no orders ("Return", "Write")."""
    orders = {named(file): in_the_imperative(file.read_text(encoding="utf-8")) for file in python_files(*PACKAGES)}
    assert {file: names for file, names in orders.items() if names} == {}
    assert in_the_imperative('def f():\n    """Write it."""\ndef g():\n    """Writes it."""') == ["f"]


def test_no_language_is_named_outside_of_its_toolchain() -> None:
    """But for where the toolchain itself is: what its files are called is for it alone to say."""
    home = ROOT / "orchestrator/toolchains/ruchy"
    word = re.compile(r"(?<!orchestrator\.toolchains)\.ruchy(?!-cache)")
    files = [file for file in python_files(*PACKAGES) if home not in file.parents]
    assert [named(file) for file in files if word.search(file.read_text(encoding="utf-8"))] == []


# ------------------------------------------------------------------------------------------------ codes


CODE = re.compile(r"\b[EW]0\d{3}\b")


def test_every_code_in_use_is_known() -> None:
    used = {code for file in python_files(*PACKAGES) for code in CODE.findall(file.read_text(encoding="utf-8"))}
    ranges = {"E0099", "E0101", "E0199", "E0299", "E0399", "E0499", "E0599", "E0699", "E0799", "E0899", "E0999"}
    ranges |= {"W0899", "W0999", "E0249", "E0289"}  # bounds of ranges in codes/__init__.py
    assert sorted(used - set(CODES) - ranges) == []


def test_every_known_code_is_used_somewhere() -> None:
    homes = {ROOT / "orchestrator/toolchains/ruchy/codes", ROOT / "actors/codes.py"}
    files = [file for file in python_files(*PACKAGES) if homes.isdisjoint({file, *file.parents})]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [code for code in CODES if code not in text] == []


def test_no_two_registries_have_one_code() -> None:
    counted = Counter(code for registry in registries().values() for code in registry)
    assert [code for code, times in counted.items() if times > 1] == []
    assert set(counted) == set(CODES)


def test_the_engine_reports_its_own_codes_alone() -> None:
    files = [file for file in python_files("actors") if file.name != "codes.py"]
    used = {code for file in files for code in re.findall(r'"([EW]\d{4})"', file.read_text(encoding="utf-8"))}
    assert sorted(used - set(registries()[""])) == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_all_its_texts(code: str) -> None:
    entry = CODES[code]
    assert entry.code == code
    for field in msgspec.structs.fields(type(entry)):
        assert getattr(entry, field.name).strip(), f"{code} has no {field.name}"


# ------------------------------------------------------------------------------------------------ documents


DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("README.md")])


def test_readme_names_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for document in DOCUMENTS:
        used = set(re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE))
        assert used <= targets, named(document)


def test_documents_show_commands_that_exist() -> None:
    from orchestrator.cli.app import COMMANDS

    for document in DOCUMENTS:
        shown = re.findall(r"(?:`|bin/|^)wasmill ([a-z]+)\b", document.read_text(), re.MULTILINE)
        assert set(shown) <= set(COMMANDS), named(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{named(document)}: {target}"
        if anchor:
            assert anchor in headings(file), f"{named(document)}: {target}"


def headings(file: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


PATHS = re.compile(r"`((?:actors|orchestrator|tests|docs|configs)/[\w./-]*\w(?:/|\.\w+))`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_files_that_documents_name_exist(document: Path) -> None:
    for path in PATHS.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), f"{named(document)}: {path}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_codes_that_documents_name_exist(document: Path) -> None:
    assert set(CODE.findall(document.read_text(encoding="utf-8"))) <= set(CODES) | {"E0123"}


def rows(document: Path, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    text = document.read_text(encoding="utf-8")
    part = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    part = re.split(r"^#+ ", part, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize(
    ("heading", "manifest"),
    [
        ("The manifest of an object", ObjectManifest),
        ("The manifest of a program", ProgramManifest),
        ("The manifest of what a link leaves", LinkManifest),
    ],
)
def test_keys_are_documented_field_by_field(
    heading: str, manifest: type[ObjectManifest] | type[ProgramManifest] | type[LinkManifest]
) -> None:
    found = rows(ROOT / "docs/keys.md", heading)
    assert [row[0].strip("`") for row in found] == list(manifest.__struct_fields__)
    assert all(cell for row in found for cell in row)


SELECTED = re.compile(r"mark\.(?:hypothesis|sweep|schedules)\b|\bin_parts\b|\bgiven\(")


def test_what_a_long_run_does_more_of_is_in_a_long_run() -> None:
    """`make test-long` selects by markers: a test whose cases depend on `LONG` has one."""
    looked_at = 0
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if not re.search(r"\bLONG\b", text):
            continue
        body = ast.parse(text).body
        longer = ["LONG"]
        for node in body:
            if isinstance(node, ast.Assign) and "LONG" in ast.unparse(node.value):
                longer += [ast.unparse(target) for target in node.targets]
        everywhere = any(SELECTED.search(ast.unparse(one)) for one in body if isinstance(one, ast.Assign))
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                marks = "\n".join(ast.unparse(one) for one in node.decorator_list)
                if re.search(rf"\b({'|'.join(longer)})\b", marks):
                    looked_at += 1
                    assert everywhere or SELECTED.search(marks), f"{named(file)}: {node.name}"
    assert looked_at > 5
