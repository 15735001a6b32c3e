"""What one compile job gives when things go wrong."""

from __future__ import annotations

from actors.compiler.toolchain import CompileJob
from orchestrator.toolchains.ruchy import compile as compiling


def test_too_deep_a_stack_is_an_error_of_the_module(monkeypatch):
    def sink(module):
        raise RecursionError

    monkeypatch.setattr(compiling, "lower", sink)
    found = compiling.compile_module(CompileJob(module="a/b", path="a/b.ruchy", source=b"fun f() {}"))
    assert found.object is None
    assert [(one.code, one.module, one.file) for one in found.diagnostics] == [("E0803", "a/b", "a/b.ruchy")]
