"""The command line over real Projects, in this process: building, running, editing, and bad input of every kind."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.cli_fakes import Wasmill

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / (name.replace("__", "/") + ".ruchy")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def hello(home: Path) -> Path:
    """A copy of the smallest example, which is the current folder."""
    shutil.copytree(EXAMPLES / "hello", home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", ".*"))
    return home


def tree(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


# ---------------------------------------------------------------------------------------------- the main job


def test_build_edit_rebuild(wasmill: Wasmill, hello: Path) -> None:
    code, out, err = wasmill("build")
    assert (code, out) == (0, "")
    assert "built 3 of 3 modules in " in err
    assert err.endswith("\nprogram: build/main.wasm\n")
    assert (hello / "build" / "main.wasm").read_bytes()[:4] == b"\0asm"
    assert wasmill("build") == (0, "", "up to date: 3 modules\n")
    text = (hello / "names.ruchy").read_text()
    (hello / "names.ruchy").write_text(text.replace("Ada", "Ida"))
    _, _, err = wasmill("build")
    assert err.startswith(
        "  main   imports names, which changed\n  names  its source changed\nbuilt 2 of 3 modules in "
    )
    (hello / "names.ruchy").write_text(text)
    _, _, err = wasmill("build")
    assert "built 0 of 3 modules in " in err, "an earlier text is in the cache"


def test_reasons_outlive_a_build_that_had_nothing_to_do(wasmill: Wasmill, hello: Path) -> None:
    wasmill("build", "-q")
    wasmill("build", "-q")
    (hello / "names.ruchy").write_text((hello / "names.ruchy").read_text() + "\npub fun third() -> i64 { 3 }\n")
    assert "  names  its source changed\n" in wasmill("build")[2]


def test_json_of_a_real_build(wasmill: Wasmill, hello: Path) -> None:
    code, out, _ = wasmill("build", "--json", "-q")
    events = [json.loads(line) for line in out.splitlines()]
    names = [event["event"] for event in events]
    assert code == 0
    assert names[0] == "build-started"
    assert names.index("program-linked") < names.index("program-written") < len(names) - 1
    last = events[-1]
    assert last["event"] == "build-finished"
    assert {key: last[key] for key in ("success", "compiled_modules", "cache_hits", "recompiled", "failed")} == {
        "success": True,
        "compiled_modules": 3,
        "cache_hits": 0,
        "recompiled": ["greetings", "main", "names"],
        "failed": [],
    }
    assert last["program"] == str(hello / "build" / "main.wasm")
    fields = {"blocked", "cache_degraded", "cached_functions", "diagnostics", "duration_ms", "reasons"}
    assert fields <= set(last)


def test_force_and_no_cache(wasmill: Wasmill, hello: Path) -> None:
    wasmill("build", "-q")
    assert "built 3 of 3 modules" in wasmill("build", "--force")[2]
    before = tree(hello / ".ruchy-cache")
    assert "built 3 of 3 modules" in wasmill("build", "--no-cache")[2]
    assert tree(hello / ".ruchy-cache") == before
    assert wasmill("build") == (0, "", "up to date: 3 modules\n")


def test_clean_leaves_the_cache(wasmill: Wasmill, hello: Path) -> None:
    wasmill("build", "-q")
    assert wasmill("clean") == (0, "", "removed build/main.wasm\n")
    assert not (hello / "build").exists()
    code, _, err = wasmill("build")
    assert code == 0
    assert "0 compiled, 3 from the cache\nprogram: build/main.wasm\n" in err
    assert (hello / "build" / "main.wasm").exists()


def test_graph_of_real_sources(wasmill: Wasmill, hello: Path) -> None:
    assert wasmill("graph") == (0, "main\n├─ greetings\n└─ names\n", "")
    assert not (hello / "build").exists()


def test_a_graph_of_wrong_sources_says_so(wasmill: Wasmill, hello: Path) -> None:
    write(hello, more="use nothing::at_all;\npub fun one() -> i64 { 1 }")
    code, out, err = wasmill("graph")
    assert (code, out) == (1, "main\n├─ greetings\n└─ names\nmore\n")
    assert err.startswith("more.ruchy:1:14: error[E0501]: ") and "use nothing::at_all;" in err
    write(hello, more="pub fun (")
    code, out, err = wasmill("graph")
    assert code == 1 and "more.ruchy:1:" in err and "main\n" in out
    assert err.count("error[") == 1
    (hello / "more.ruchy").unlink()
    assert wasmill("graph")[::2] == (0, "")


def test_a_graph_of_nothing(wasmill: Wasmill, home: Path) -> None:
    code, out, err = wasmill("graph")
    assert (code, out) == (1, "")
    assert f"error[E0811]: there is no module under {home}" in err


def test_cache_commands(wasmill: Wasmill, hello: Path) -> None:
    wasmill("build", "-q")
    code, out, _ = wasmill("cache", "stats", "--json")
    found = json.loads(out)
    assert (code, found["compilations"], found["entries"] >= 4) == (0, 3, True)
    assert wasmill("cache", "verify")[0] == 0
    module = next((hello / ".ruchy-cache" / "modules").rglob("*.wasm"))
    module.chmod(0o644)
    module.write_bytes(b"damaged")
    code, out, err = wasmill("cache", "verify")
    assert (code, out) == (1, "")
    assert module.name in err
    assert wasmill("cache", "verify")[0] == 0, "what was wrong is gone"
    assert wasmill("cache", "clear", "-q") == (0, "", "")
    assert json.loads(wasmill("cache", "stats", "--json")[1])["entries"] == 0
    assert "3 compiled" in wasmill("build", "--profile", "dev")[2]


def test_a_profile_of_its_own(wasmill: Wasmill, hello: Path) -> None:
    (hello / "wasmill.toml").write_text('[profile.tiny]\noutput = "tiny"\n')
    assert wasmill("build", "-q", "--profile", "tiny") == (0, "", "")
    assert (hello / "tiny" / "main.wasm").exists()
    assert not (hello / "build").exists()


# ---------------------------------------------------------------------------------------------- bad input


def build_fails(wasmill: Wasmill, code: str, *says: str) -> str:
    ended, out, err = wasmill("build")
    assert (ended, out) == (1, ""), err
    assert f"[{code}]" in err
    for words in says:
        assert words in err
    assert "Traceback" not in err
    assert "E0901" not in err
    return err


def test_an_empty_folder(wasmill: Wasmill, home: Path) -> None:
    build_fails(wasmill, "E0811")
    assert wasmill("run")[0] in (1, 2)


def test_a_file_that_is_no_source(wasmill: Wasmill, home: Path) -> None:
    (home / "main.txt").write_text("fun main() {}")
    code, out, err = wasmill("run", "main.txt")
    assert (code, out) == (1, "")
    assert err.startswith("main.txt: error[E0804]: `main.txt` cannot name a module: it does not end in `.c`, `.cc`, ")
    assert "`.ruchy`" in err.splitlines()[0]
    assert err.count("error[") == 1, "and not that there is no module"


def test_no_entry_builds_modules_and_runs_nothing(wasmill: Wasmill, home: Path) -> None:
    write(home, lib="pub fun one() -> i64 { 1 }")
    code, _, err = wasmill("build")
    assert (code, err.splitlines()[-1]) == (0, "no program: there is no main.ruchy")
    code, out, err = wasmill("run")
    assert (code, out) == (2, "")
    assert "there is nothing to run: no entry" in err
    assert f"looked for {home / 'main.ruchy'}" in err


def test_a_library_cannot_be_run(wasmill: Wasmill, home: Path) -> None:
    write(home, lib="pub fun helper() -> i64 { 1 }")
    code, out, err = wasmill("run", "lib.ruchy")
    assert (code, out) == (2, "")
    assert "there is nothing to run in `lib.ruchy`: it has neither `main` nor statements" in err
    assert "write `fun main()" in err


def test_a_named_entry_that_is_missing(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() {}")
    (home / "wasmill.toml").write_text('[project]\nentry = "mian.ruchy"\n')
    build_fails(wasmill, "E0808", "mian")


def test_an_unreadable_file(wasmill: Wasmill, home: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    write(home, main="use a::x;\nfun main() {}", a="pub fun x() {}")
    (home / "a.ruchy").chmod(0)
    build_fails(wasmill, "E0807", "a.ruchy")


def test_invalid_utf8(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() {}")
    (home / "latin.ruchy").write_bytes("// grüße\n".encode("latin-1"))
    build_fails(wasmill, "E0801", "latin.ruchy")


def test_a_file_of_20_mb(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() {}")
    with (home / "big.ruchy").open("wb") as file:
        file.truncate(20_000_000)
    build_fails(wasmill, "E0802", "big.ruchy")


def test_nesting_10_000_deep(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() { println(" + "(" * 10_000 + "1" + ")" * 10_000 + ") }")
    err = build_fails(wasmill, "E0803")
    assert len(err) < 2_000, "a long line is cut"


@pytest.mark.slow
def test_a_sum_of_5_000_terms(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() { println(" + " + ".join(["1"] * 5_000) + ") }")
    code, _, err = wasmill("build")
    assert code == 0, err


def test_an_import_of_itself(wasmill: Wasmill, home: Path) -> None:
    write(home, main="use main::twice;\nfun main() { println(twice(2)) }\npub fun twice(n: i64) -> i64 { n * 2 }")
    code, _, err = wasmill("build")
    assert code in (0, 1)
    assert "Traceback" not in err


def test_an_unknown_import(wasmill: Wasmill, home: Path) -> None:
    write(home, main="use shpaes::area;\nfun main() { println(area()) }", shapes="pub fun area() -> i64 { 1 }")
    err = build_fails(wasmill, "E0501", "main.ruchy:1:", "use shpaes::area;", "^", "shapes")
    assert err.count("error[") == 1, "what follows from it is not said"


@pytest.mark.parametrize("name", ["..", "back\\slash", "with-dash", "a b", "é", "con:x"])
def test_names_that_name_no_module(wasmill: Wasmill, home: Path, name: str) -> None:
    write(home, main="fun main() {}")
    (home / f"{name}.ruchy").write_text("pub fun x() {}")
    code, _, err = wasmill("build")
    assert code == 0, err
    assert "Traceback" not in err


@pytest.mark.parametrize("path", ["..::outside", "\\outside", "./outside", "/etc/passwd"])
def test_imports_that_lead_out(wasmill: Wasmill, home: Path, path: str) -> None:
    inside = home / "in"
    write(home, outside="pub fun secret() {}")
    write(inside, main=f"use {path}::secret;\nfun main() {{}}")
    code, _, err = wasmill("build", "in")
    assert code == 1
    assert "error[" in err
    assert "Traceback" not in err


def test_names_that_differ_in_case_alone(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() {}", shapes="pub fun a() {}", Shapes="pub fun b() {}")
    if len(list(home.glob("*.ruchy"))) < 3:
        pytest.skip("this file system knows no case")
    build_fails(wasmill, "E0805", "Shapes.ruchy", "shapes.ruchy")


def test_a_module_in_two_files(wasmill: Wasmill, home: Path) -> None:
    write(home, main="fun main() {}", a="pub fun x() {}", a__mod="pub fun x() {}")
    build_fails(wasmill, "E0806", "a.ruchy", "a/mod.ruchy")


def test_a_cache_folder_that_cannot_be_written(wasmill: Wasmill, hello: Path) -> None:
    (hello / ".ruchy-cache").write_text("in the way")
    code, _, err = wasmill("build")
    assert code == 0, err
    assert "built 3 of 3 modules" in err
    assert "the cache was not used as usual" in err
    assert (hello / ".ruchy-cache").read_text() == "in the way"
    assert wasmill("run")[0] == 0


def test_a_cache_from_the_future(wasmill: Wasmill, hello: Path) -> None:
    cache = hello / ".ruchy-cache"
    (cache / "snapshots").mkdir(parents=True)
    (cache / "index-99.db").write_text("what comes after us")
    (cache / "snapshots" / "dev-0000000000000000").write_bytes(b"wasmill\x63" + bytes(64))
    code, _, err = wasmill("build")
    assert code == 0, err
    assert "built 3 of 3 modules" in err
    assert (cache / "index-99.db").read_text() == "what comes after us"


def test_an_output_that_cannot_be_written(wasmill: Wasmill, hello: Path) -> None:
    (hello / "build").write_text("in the way")
    code, _, err = wasmill("build")
    assert code == 3
    assert "Traceback" not in err
    assert "main.wasm" in err
    assert (hello / "build").read_text() == "in the way"


def test_a_failing_module_leaves_the_old_program_and_says_so(wasmill: Wasmill, hello: Path) -> None:
    wasmill("build", "-q")
    before = (hello / "build" / "main.wasm").read_bytes()
    (hello / "names.ruchy").write_text("pub fun first() -> String { 1 }\npub fun second() -> String { \x1b }\n")
    code, out, err = wasmill("build")
    assert (code, out) == (1, "")
    assert "\x1b" not in err
    assert err.endswith("build/main.wasm is old: it is the program of an earlier build\n")
    assert (hello / "build" / "main.wasm").read_bytes() == before
    assert wasmill("run")[0] == 1
