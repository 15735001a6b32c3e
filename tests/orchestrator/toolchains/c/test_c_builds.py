"""Projects of C files, compiled and linked by the real compiler."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import orchestrator

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MAIN = """#include <stdio.h>
#include "square.h"
int main(int count, char **arguments) {
    printf("%d %s\\n", square(count), arguments[count - 1]);
    return 3;
}
"""
SQUARE = '#include "square.h"\nint square(int x) { return x * x; }\n'


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {"main.c": MAIN, "square.c": SQUARE, "square.h": "int square(int);\n", "lone.c": "int lone = 1;\n"}
    return write(tmp_path / "app", files)


async def recompiled(project: Path, **settings: str) -> list[str]:
    async with orchestrator.open(project, **settings) as opened:  # type: ignore[arg-type]
        result = await opened.build()
    assert result.success, result.diagnostics
    return result.recompiled


async def test_a_folder_of_sources_is_a_project(project: Path) -> None:
    async with orchestrator.open(project) as opened:
        ran = await opened.run("a", "b")
        assert (ran.stdout, ran.exit_code) == (b"9 b\n", 3)
        result = await opened.build()
        assert result.recompiled == [] and result.program is not None
    assert await recompiled(project) == []


async def test_an_edited_header_compiles_what_includes_it_and_a_touched_one_nothing(project: Path) -> None:
    await recompiled(project)
    os.utime(project / "square.h", (1, 1))
    assert await recompiled(project) == []
    write(project, {"square.h": "int square(int);\nint more(void);\n"})
    assert await recompiled(project) == ["main", "square"]
    assert await recompiled(project) == []


async def test_a_header_that_shadows_another_is_seen(project: Path) -> None:
    toml = '[toolchain.c]\ninclude = ["first", "second"]\n'
    write(project, {"wasmill.toml": toml, "second/low.h": "#define LOW 1\n", "low.c": "#include <low.h>\nint l = LOW;"})
    assert await recompiled(project) == ["lone", "low", "main", "square"]
    write(project, {"first/low.h": "#define LOW 2\n"})
    assert await recompiled(project) == ["low"]
    shutil.rmtree(project / "first")
    assert await recompiled(project) == ["low"]
    write(project, {"first/stdio.h": "#include_next <stdio.h>\n"})
    assert await recompiled(project) == ["main"], "a header of the system may be shadowed too"


async def test_a_header_that_was_asked_for_in_vain_is_seen(project: Path) -> None:
    text = '#if __has_include("extra.h")\n#include "extra.h"\n#else\n#define EXTRA 1\n#endif\nint x = EXTRA;'
    write(project, {"asks.c": text})
    await recompiled(project)
    write(project, {"extra.h": "#define EXTRA 2\n"})
    assert await recompiled(project) == ["asks"]


async def test_two_checkouts_have_the_same_bytes(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(project, other)
    programs = []
    for folder in (project, other):
        await recompiled(folder)
        programs.append((folder / "build/main.wasm").read_bytes())
    assert programs[0] == programs[1]
    assert os.fsencode(str(tmp_path)) not in programs[0] and b"ziglang" not in programs[0]
    async with orchestrator.open(project) as opened:
        assert (await opened.build(verify=1.0)).differences == []


async def test_what_the_compiler_says_has_a_place(project: Path) -> None:
    write(
        project,
        {"bad.c": '#include "low.h"\nint f(int é) { int y; return é + "; }\n', "low.h": "int low(int x) { x x }\n"},
    )
    write(project, {"warns.c": "int f(int x) { if (x = 1) return 2; return 3; }\n"})
    async with orchestrator.open(project) as opened:
        result = await opened.build()
    found = {(one.code, one.file, one.line, one.column) for one in result.diagnostics}
    assert ("E1001", "low.h", 1, 19) in found, result.diagnostics
    assert ("W1001", "bad.c", 2, 34) in found and ("W1001", "warns.c", 1, 22) in found
    [warning] = [one for one in result.diagnostics if one.file == "warns.c"]
    assert warning.text.startswith("int f(int x)") and "place parentheses" in warning.hint


async def test_a_header_from_another_folder_has_a_place_too(project: Path) -> None:
    write(project, {"src/main.c": '#include "../wrong.h"\nint main(void) { return 0; }\n', "wrong.h": "int = 1;\n"})
    for name in ("main.c", "square.c", "lone.c"):
        (project / name).unlink()
    async with orchestrator.open(project) as opened:
        result = await opened.build()
    assert [(one.code, one.file, one.line) for one in result.diagnostics] == [("E1001", "../wrong.h", 1)]


async def test_options_and_profiles_reach_the_compiler(project: Path) -> None:
    toml = '[toolchain.c]\ndefine = ["ANSWER=42"]\nstandard = ["c99", "c++20"]\nflags = ["-DPLUS=1"]\n'
    text = "#if __STDC_VERSION__ != 199901L\n#error c99\n#endif\nint answer = ANSWER + PLUS;\n"
    plus = "#if __cplusplus < 202002L\n#error old\n#endif\nextern int answer; int twice() { return 2 * answer; }\n"
    write(project, {"wasmill.toml": toml, "answer.c": text, "plus.cpp": plus})
    async with orchestrator.open(project) as opened:
        result = await opened.build()
        codes = [one.message for one in result.diagnostics if one.severity == "error"]
    assert codes == [], "the compile of `plus.cpp` needs no C++ library"


async def test_names_of_files_are_free(project: Path) -> None:
    write(
        project,
        {"lib-x/a.b-c.c": "int abc = 1;\n", "9.c": "int nine = 9;\n", "mod.c": "int m = 1;\n", "a/mod.c": "int n;\n"},
    )
    assert await recompiled(project) == ["9", "a/mod", "lib-x/a.b-c", "lone", "main", "mod", "square"]


async def test_what_cannot_be_linked_is_told(project: Path) -> None:
    write(project, {"twice.c": "int lone = 2;\n"})
    async with orchestrator.open(project) as opened:
        result = await opened.build()
        assert [(one.code, one.hint) for one in result.diagnostics] == [
            ("E1005", "it is defined in `lone.c`, `twice.c`")
        ]
        write(project, {"twice.c": "int gone(void);\nint twice(void) { return gone(); }\n"})
        write(project, {"main.c": "int twice(void);\nint main(void) { return twice(); }\n"})
        [one] = (await opened.build()).diagnostics
        assert one.code == "E1004" and "`gone` is used in `twice.c`" in one.message
        write(project, {"main.c": "int other;\n"})
        assert "defines `main`" in (await opened.build()).diagnostics[0].message


async def test_modules_in_memory_are_compiled_too(project: Path) -> None:
    sources = orchestrator.Sources(
        {"main.c": '#include "low.c"\nint main(void) { return LOW; }\n', "low.c": "#define LOW 5\n"}
    )
    async with orchestrator.open(sources) as opened:
        result = await opened.build()
        assert [one.code for one in result.diagnostics] == ["E1001"], "headers are files"
        sources["main.c"] = "int main(void) { return 6; }\n"
        assert (await opened.run()).exit_code == 6
    async with orchestrator.open(
        project, sources=orchestrator.Sources({"lone.c": '#include "square.h"\nint q;\n'})
    ) as over:
        result = await over.build()
        assert result.success, result.diagnostics


async def test_a_source_that_changes_under_the_compiler_is_what_its_key_says(project: Path) -> None:
    """The compiler reads the text of the job, whatever stands in the file by then."""
    async with orchestrator.open(project) as opened:
        await opened.build()
        toolchain = opened.toolchains.of("lone.c")
        from actors.compiler.toolchain import CompileJob, Surroundings

        made = toolchain.compile(
            CompileJob(module="lone", path="lone.c", source=b"int other_name;", around=Surroundings(root=str(project)))
        )
    assert made.object is not None and b"other_name" in made.object.data


async def test_a_header_that_changes_under_the_compiler_is_never_believed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.toolchains.c import compile as compiling

    calls = 0
    call = compiling._Compile._proved

    def changing(self: compiling._Compile) -> object:
        nonlocal calls
        answer = call(self)
        calls += 1
        if calls == 1:
            (project / "square.h").write_text("long square(int);\n")
        return answer

    monkeypatch.setattr(compiling._Compile, "_proved", changing)
    write(project, {"main.c": '#include "square.h"\nint main(void) { return sizeof square(1); }\n'})
    write(
        project,
        {"square.c": '#include "square.h"\nlong square(int x) { return x; }\n', "square.h": "long square(int);\n"},
    )
    (project / "lone.c").unlink()
    async with orchestrator.open(project, jobs=1) as opened:
        result = await opened.build()
    assert result.success and calls >= 3, "the first file was compiled twice"


async def test_a_comment_costs_no_compile(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.toolchains.c import compile as compiling

    calls: list[str] = []
    call = compiling._Compile._proved

    def counted(self: compiling._Compile) -> object:
        calls.append(self.job.module)
        return call(self)

    async def called(profile: str) -> list[str]:
        calls.clear()
        async with orchestrator.open(project, profile=profile) as opened:
            result = await opened.build()
            assert result.success, result.diagnostics
            compiled = sorted(set(calls))  # A file whose header is as young as the clock's tick is compiled twice.
            assert (await opened.build(verify=1.0)).differences == [], "each object is that of a clean build"
        return compiled

    monkeypatch.setattr(compiling._Compile, "_proved", counted)
    for profile, moved in (("release", []), ("dev", ["main", "square"])):
        write(project, {"square.h": "int square(int);\n"})
        await called(profile)
        write(project, {"square.h": "int square(int); // of a number\n"})
        assert await called(profile) == []
        write(project, {"square.h": "// Squares.\nint square(int);\n"})
        assert await called(profile) == moved, "under `dev`, objects hold numbers of lines"
        write(project, {"square.h": "// Squares.\nint square(int x);\n"})
        assert await called(profile) == ["main", "square"]
        write(project, {"lone.c": f"int lone = 1; // under {profile}\n"})
        assert await called(profile) == []
    (project / "square.h").write_text("// A warning has a place.\nint square(int x);\n#warning here\n")
    (project / "wasmill.toml").write_text('[toolchain.c]\nflags = ["-Wall"]\n')
    await called("release")
    (project / "square.h").write_text("// It moves.\n\nint square(int x);\n#warning here\n")
    assert await called("release") == ["main", "square"]
