"""Whatever a stranger writes: an answer of ours. Programs, objects, WebAssembly text and settings that are well,
changed in a few places. (Caches: tests/faults/test_hostile_cache.py. The lexer's own: test_syntax_properties.py.)"""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.events import FileSkipped
from orchestrator.cli.looped import ascii_only
from orchestrator.config import load
from orchestrator.errors import ConfigError
from orchestrator.report.diagnostics import render_all
from orchestrator.report.terminal import shown
from orchestrator.toolchains.ruchy import runtime
from orchestrator.toolchains.ruchy.syntax.parser import parse
from orchestrator.wasm.leb import MAGIC, custom, leb5, section, string, uleb, vector
from orchestrator.wasm.linker import LinkError, link
from orchestrator.wasm.reader import ObjectError, read_object
from orchestrator.wasm.slack.image import Image
from orchestrator.wasm.slack.model import UnusualError, model_of
from orchestrator.wasm.wat import TextError, assemble_object
from tests.helpers.programs import build
from tests.helpers.untrusted_values import TEXTS, scrambled, share

SUITE = Path(__file__).parents[1] / "conformance"
PROGRAMS = [text for path in sorted(SUITE.rglob("*.ruchy")) if len(text := path.read_text()) < 1500]
VALID = [text for text in PROGRAMS if parse(text).module is not None]
PIECES = ["}", "{", "(", ")", '"', "=", "x", "1", "i8", "[", "let ", "pub ", "main()", " + ", ".len()", "99999999999"]
PIECES += ["fun f() {", "struct S { a: S }", "-> String", "const A = A;", "use main::f;", "while true {", "'\\u{202e}'"]
WAT = [text.decode() for _, text in runtime._sources()]
OBJECT = assemble_object(min(WAT, key=len), "x", runtime.FEATURES)


@st.composite
def edited(draw: st.DrawFn, texts: list[str]) -> str:
    """A text with spans cut out, put in from another one, or replaced by pieces that mean something."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 30)))
        other = draw(st.sampled_from(texts))
        at = draw(st.integers(0, len(other)))
        new = draw(st.sampled_from(PIECES)) if draw(st.booleans()) else other[at : at + draw(st.integers(0, 60))]
        text = text[:start] + new + text[stop:]
    return text


@given(edited(VALID))
@share(40)
def test_a_program_that_was_well_compiles_or_is_told_what_is_wrong(text: str) -> None:
    built = build({"main.ruchy": text})
    assert (built.program is None) == bool(built.errors())
    assert all(found.code != "E0901" for found in built.diagnostics)
    assert shown(render_all(built.diagnostics).replace("\n", "")).isprintable()


@given(edited(WAT))
@share(25)
def test_webassembly_text_assembles_or_says_where_it_is_wrong(text: str) -> None:
    with suppress(TextError, ObjectError):
        read_object(assemble_object(text, "x", runtime.FEATURES))


@given(scrambled(OBJECT))
@share(60)
def test_objects_are_read_linked_or_refused(data: bytes) -> None:
    tracemalloc.start()
    try:
        found = read_object(data)
        link([("a.o", data)], entry=None, gc=False)
        Image([model_of(found)], None, None, stack_size=1 << 16)
    except (ObjectError, LinkError, UnusualError):
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 400 * len(data) + (4 << 20)


def test_an_object_of_holes_is_refused() -> None:
    """Sixty bytes a segment, each aligned to 64 KiB: linked, it would be a thousand times as long."""
    count = 2000
    datas = section(11, vector([b"\0\x41\0\x0b\x01x"] * count))
    names = vector([string(".data.x") + uleb(16) + uleb(0)] * count)
    data = MAGIC + datas + custom("linking", b"\2\5" + leb5(len(names)) + names)
    with pytest.raises(ObjectError, match="holes"):
        read_object(data)


SETTINGS = """[project]
name = "x"
root = "."
entry = "main.ruchy"
include = ["**/*.ruchy"]
[build]
jobs = 2
timeout = 1.5
output = "build"
[cache]
max_size = "2 GiB"
[run]
fuel = 5
[profile.mine]
jobs = 3
"""
VALUES = [json.dumps(text) for text in TEXTS if len(text) < 200]
VALUES += ["nan", "inf", "-1", "9" * 5000, "1979-05-27", "[[]]", "[" * 5000, "{a={a={}}}", "true", "1e400", "''"]


@given(data=st.data())
@share(60)
def test_settings_are_taken_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "settings"
    folder.mkdir(exist_ok=True)
    text = SETTINGS
    for _ in range(data.draw(st.integers(1, 2))):
        line = data.draw(st.sampled_from([one for one in text.split("\n") if "=" in one]))
        text = text.replace(line, f"{line.partition('=')[0]}= {data.draw(st.sampled_from(VALUES))}")
    raw = data.draw(scrambled(text.encode())) if data.draw(st.booleans()) else text.encode()
    (folder / "wasmill.toml").write_bytes(raw)
    try:
        load(folder)
    except ConfigError as wrong:
        assert wrong.what and wrong.where.startswith(str(folder))


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_terminal_would_obey_is_spelled_out(text: str) -> None:
    assert shown(text).isprintable()
    line = ascii_only(f'{{"file":{json.dumps(text, ensure_ascii=False)}}}')
    assert line.isascii() and line.isprintable() and json.loads(line) == {"file": text}
    assert FileSkipped(build=1, file=text, reason="").file == text
