"""Programs of C files, linked by our own linker: the same after edits as from nothing, and by `wasm-ld` where that
must."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestrator
from orchestrator.wasm.cursor import custom_section
from tests.helpers.zig import compiled
from tests.orchestrator.toolchains.c.test_c_builds import write
from tests.orchestrator.wasm.foreign.test_archives import archive

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FILES = {
    "main.c": '#include <stdio.h>\nint f(int);\nint main(void) { printf("%d\\n", f(4)); return 0; }\n',
    "f.c": "int f(int n) { return n * 3; }\n",
}


async def built(folder: Path, **settings: str) -> tuple[bytes, list[str]]:
    """The program of a folder, and the codes of what is said of it."""
    async with orchestrator.open(folder, **settings) as opened:  # type: ignore[arg-type]
        result = await opened.build()
        assert result.program is not None, result.diagnostics
        return result.program.read_bytes(), [one.code for one in result.diagnostics]


async def test_an_edited_file_is_linked_as_from_nothing(tmp_path: Path) -> None:
    app = write(tmp_path / "app", FILES)
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).stdout == b"12\n"
        write(app, {"f.c": "int f(int n) { return n * 5; }\n"})
        assert (await opened.run()).stdout == b"20\n"
        program = (await opened.build()).program.read_bytes()
    again = write(tmp_path / "again", {**FILES, "f.c": "int f(int n) { return n * 5; }\n"})
    assert (await built(again))[0] == program
    assert custom_section(program, "producers") is None, "it is not the compiler's linker that made it"


async def test_what_only_the_compilers_linker_takes_is_linked_by_it_and_said(tmp_path: Path) -> None:
    other = "int f(double n) { return (int)n; }\n"
    app = write(tmp_path / "app", {"main.c": "int f(int);\nint main(int n, char **a) { return n > 5 ? f(n) : 7; }\n"})
    write(app, {"f.c": other})
    program, codes = await built(app)
    assert codes == ["W1002"]
    assert custom_section(program, "producers") is not None
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).exit_code == 7


async def test_a_release_is_linked_by_the_compilers_linker(tmp_path: Path) -> None:
    program, codes = await built(write(tmp_path / "app", FILES), profile="release")
    assert codes == [] and custom_section(program, "producers") is not None


async def test_archives_of_the_project_are_linked_by_need(tmp_path: Path) -> None:
    members = {"f.o": compiled("int f(int n) { return n + 100; }"), "g.o": compiled("int main(void) { return 1; }")}
    app = write(tmp_path / "app", {"main.c": FILES["main.c"]})
    write(app, {"wasmill.toml": '[toolchain.c]\nlibraries = ["libf.a"]\n'})
    (app / "libf.a").write_bytes(archive(members))
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).stdout == b"104\n"
    members["f.o"] = compiled("int f(int n) { return n + 200; }")
    (app / "libf.a").write_bytes(archive(members))
    async with orchestrator.open(app) as opened:
        assert (await opened.run()).stdout == b"204\n", "a changed archive is linked anew, though no source changed"
        assert (await opened.build()).recompiled == []
        (app / "libf.a").write_bytes(archive({**members, "f.o": compiled("int f(int n) { return n + 300; }")}))
        assert (await opened.run()).stdout == b"304\n", "in an open Project too"
    (app / "libf.a").write_bytes(b"!<arch>\nbroken")
    write(app, {"main.c": FILES["main.c"] + "int more;\n"})
    async with orchestrator.open(app) as opened:
        [one] = (await opened.build()).diagnostics
        assert one.code == "E1003" and "libf.a: " in one.message
    (app / "libf.a").unlink()
    write(app, {"main.c": FILES["main.c"] + "int others;\n"})
    async with orchestrator.open(app) as opened:
        [one] = (await opened.build()).diagnostics
        assert "cannot be read" in one.message
