"""Fuzzing guided by coverage, in the long run, where atheris is installed: `pip install atheris`."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.untrusted_values import LONG

ROOT = Path(__file__).parents[2]
RUNS = 20_000

# What is fuzzed: imports, and a function of bytes that may raise nothing but what it catches.
TARGETS = {
    "syntax": """
from orchestrator.toolchains.ruchy.syntax.parser import parse
from orchestrator.toolchains.ruchy.syntax.split import split
def one(data):
    text = data.decode("utf-8", "replace")
    parse(text), split(text)
""",
    "summary": """
from actors.compiler.toolchain import SummariseJob
from orchestrator.toolchains.ruchy.summary.summarise import summarise
def one(data):
    source = data.decode("utf-8", "replace").encode()
    summarise(SummariseJob(module="m", path="m.ruchy", source=source))
""",
    "objects": """
from orchestrator.wasm.leb import MAGIC
from orchestrator.wasm.reader import ObjectError, read_object
def one(data):
    for found in (data, MAGIC + data):
        try:
            read_object(found)
        except ObjectError:
            pass
""",
    "models": """
from orchestrator.wasm.slack.model import UnusualError, read_model
from orchestrator.wasm.leb import custom
def one(data):
    try:
        read_model(custom("wasmill.link", data + len(data).to_bytes(4, "little")))
    except UnusualError:
        pass
""",
    "text": """
from orchestrator.wasm.wat import TextError, assemble_object
def one(data):
    try:
        assemble_object("(module " + data.decode("utf-8", "replace") + ")", "x", ())
    except TextError:
        pass
""",
    "metadata": """
from actors.keeper.metadata import Odd, _check, decode
def one(data):
    try:
        decode(b'{"check":"%s",%s' % (_check(data, bytes(32)), data), bytes(32))
    except Odd:
        pass
""",
    "rows": """
from xxhash import xxh3_128_digest
from actors.keeper import index
from actors.keeper.database import Damaged
class Connection:
    async def execute_fetchall(self, sql, parameters=None):
        return self.rows
connection = Connection()
def ask(function, row):
    connection.rows = [row]
    try:
        function(connection, [row[0]]).send(None)
    except (StopIteration, Damaged):
        pass
def one(data):
    key = bytes(32)
    sealed = xxh3_128_digest(key + data) + data
    ask(index.find, (key, sealed))
    ask(index.find_summaries, (key, data))
    ask(index.find_digests, (key, data))
""",
    "functions": """
from actors.keeper.fragments import fragments_of
from orchestrator.wasm.leb import MAGIC, custom
def one(data):
    for found in (data, MAGIC + data, MAGIC + custom("wasmill.functions", data)):
        for _ in fragments_of(found):
            pass
""",
    "snapshots": """
from xxhash import xxh3_128_digest
from actors.planner.table import decode_plan
from actors.scanner.snapshot import MAGIC, decode
def one(data):
    decode_plan(data)
    decode(MAGIC + bytes(24) + xxh3_128_digest(data) + data)
""",
}

RUN = """
import sys
import atheris
with atheris.instrument_imports():
{target}
atheris.Setup(sys.argv, one)
atheris.Fuzz()
"""


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.skipif(not LONG, reason="runs in `make test-long` only")
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install atheris")
@pytest.mark.parametrize("name", TARGETS)
def test_coverage_finds_no_exception_that_is_not_ours(name: str, tmp_path: Path) -> None:
    target = "".join(f"    {line}\n" for line in TARGETS[name].strip().split("\n"))
    script = tmp_path / "fuzz.py"
    script.write_text(RUN.format(target=target))
    flags = [f"-runs={RUNS}", "-seed=1", "-max_len=600", "-timeout=20", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, str(script), *flags], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
