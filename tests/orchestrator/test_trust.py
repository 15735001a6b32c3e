"""Settings that run code are refused in a folder that is not trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config import load
from orchestrator.errors import ConfigError
from orchestrator.toolchains.c.options import COptions
from orchestrator.trust import change, is_trusted


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WASMILL_TRUST", raising=False)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.c").write_text("int main(void) { return 0; }\n")
    (folder / "wasmill.toml").write_text('[toolchain.c]\nflags = ["-Wall", "-fplugin=./evil.so"]\n')
    return folder


def test_a_folder_is_trusted_by_the_list_or_the_variable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="not trusted") as caught:
        load(project)
    assert "-fplugin=./evil.so" in str(caught.value) and f"`wasmill trust {project}`" in (caught.value.hint or "")
    assert change(str(project), trust=True) and not change(str(project), trust=True)
    assert load(project).root == str(project)
    assert is_trusted(str(project / "below")) and not is_trusted(f"{project}beside")
    assert change(str(project), trust=False) and not is_trusted(str(project))
    for said, expected in (
        ("1", True),
        (str(project), True),
        (str(project.parent), True),
        ("0", False),
        ("app", False),
    ):
        monkeypatch.setenv("WASMILL_TRUST", said)
        assert is_trusted(str(project)) is expected, said


def test_a_link_is_what_it_leads_to(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    change(str(tmp_path / "link"), trust=True)
    assert is_trusted(str(project))
    (tmp_path / "link").unlink()
    (tmp_path / "link").mkdir()
    assert not is_trusted(str(tmp_path / "link"))


@pytest.mark.parametrize(
    "flags",
    [
        ["-fplugin=x.so"],
        ["-fpass-plugin=x.so"],
        ["-Xclang", "-load"],
        ["-Wl,-x"],
        ["-Wp,-MD,out"],
        ["@more"],
        ["-B", "bin"],
        ["-Bbin"],
        ["-mllvm", "-load=x.so"],
        ["--config=x"],
        ["other.c"],
        ["-o", "out"],
        ["-specs=x"],
        ["-ftime-trace=out"],
        ["-fcrash-diagnostics-dir=out"],
        ["-fuse-ld=x"],
        ["-Wall", "-ivfsoverlay", "x"],
    ],
)
def test_flags_that_may_run_code_need_trust(flags: list[str]) -> None:
    assert COptions(flags=tuple(flags)).foreign_code()


def test_usual_flags_need_none() -> None:
    flags = "-Wall -Wextra -Wno-unused -Werror=format -O3 -g -DX=a,b;@c -I ../x -Iy -std=gnu11 -msimd128 -fno-builtin"
    assert (
        COptions(flags=(*flags.split(), "-fvisibility=hidden", "-include", "config.h", "-pedantic")).foreign_code()
        == ""
    )
    assert COptions(compiler="/opt/clang").foreign_code() and not COptions(compiler="clang").foreign_code()
