"""The signatures of functions without `->`, or with parameters without types: what their module makes of them.

This considers these functions and every item that names one, because a call can fix an open type. What a `pub` one
returns depends on its own text alone (`check/inference/decide.py`), so that other modules, who see only that, agree.
Generic functions, and `pub` ones with parameters without types, stay out of this: each call has its own types. Of
untyped ones whose calls do not agree, all that is handed on is that this is so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from actors.compiler.toolchain import CompileJob, Inference, Item, Signature
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.check.inference.infer import settle
from orchestrator.toolchains.ruchy.check.methods.collected import method_named
from orchestrator.toolchains.ruchy.check.passes import Pass
from orchestrator.toolchains.ruchy.check.scope import (
    AliasItem,
    ConstItem,
    EnumItem,
    Env,
    FunctionItem,
    StructItem,
    VariantItem,
)
from orchestrator.toolchains.ruchy.check.stubs import Stubs
from orchestrator.toolchains.ruchy.check.types import key_of
from orchestrator.toolchains.ruchy.check.variables import signature_of_variables
from orchestrator.toolchains.ruchy.signatures import INSTANCED, signature_of
from orchestrator.toolchains.ruchy.syntax.names import METHOD
from orchestrator.toolchains.ruchy.syntax.parser import parse_tokens
from orchestrator.toolchains.ruchy.syntax.paths import paths_in
from orchestrator.toolchains.ruchy.syntax.throwing import THROWS
from orchestrator.toolchains.ruchy.syntax.top import TOP
from orchestrator.toolchains.ruchy.view import View

_NOTHING = Inference()


def infer_module(job: CompileJob) -> Inference:
    """The signatures of all inferred items of the job's summary; nothing where something is wrong with what decides
    them, which a compile will report."""
    items = job.summary.items if job.summary is not None else ()
    inferred = {item.name for item in items if item.inferred}
    names = {item.name for item in items}
    if not inferred or len(names) != len(items):
        return _NOTHING
    # A call of a method does not say whose it is, so where one is inferred, every item may take part.
    any_calls = any(METHOD in name for name in inferred)
    aside = {item.name: item for item in items if item.code and not any_calls and not _takes_part(item, inferred)}
    try:
        return _infer(job, inferred, aside)
    except RecursionError:
        return _NOTHING


def _takes_part(item: Item, inferred: set[str]) -> bool:
    """Whether an item decides a signature. A path may end in the name of an item of some inline module."""
    if item.inferred:
        return True
    last = {name.rpartition("::")[2] for name in inferred}
    return any(name.rpartition("::")[2] in last for name in item.names)


def _infer(job: CompileJob, inferred: set[str], aside: Mapping[str, Item]) -> Inference:
    spans = [(item.start, item.stop) for name, item in aside.items() if name != TOP]
    view = View(job.source.decode(), spans)
    functions = {name: item for name, item in aside.items() if name != TOP}
    checked = check(job, parse_tokens(view.text, view.tokens), Stubs({}, functions, top=TOP in aside))
    if checked.module is None or checked.state is None:
        return _NOTHING
    p = checked.state
    texts = Texts(view, p)
    signatures: dict[str, Signature] = {}
    for name in sorted(inferred):
        if name == TOP:
            of_variables = signature_of_variables(p.module)
            if of_variables is None:
                return _NOTHING
            signatures[name] = of_variables
            continue
        of, _, method = name.partition(METHOD)
        item = method_named(p, of, method) if method else p.module.items.get(of)
        signature = texts.signature(item) if isinstance(item, FunctionItem) else None
        if signature is None:
            return _NOTHING
        if p.module.throws and not signature.whole:  # who calls it looks behind the call
            names = (*signature.names, f"{p.module.name}::{THROWS}")
            signature = msgspec.structs.replace(signature, names=tuple(sorted(names)))
        signatures[name] = signature
    return Inference(signatures=signatures)


class Texts:
    """Makes signatures of checked functions: with the text of their defaults, and what the names in it mean."""

    def __init__(self, view: View, p: Pass) -> None:
        self._view = view
        self._pass = p
        self._keys: dict[int, str] = {}

    def signature(self, item: FunctionItem) -> Signature | None:
        """None for a signature that says a type which has no name outside of a function."""
        if item.instanced:
            return INSTANCED
        types = [settle(kind) for kind in item.types or ()]
        defaults = [parameter.default for parameter in item.node.parameters if parameter.default is not None]
        text, meanings = "", {}
        if defaults:
            node = item.node
            text = self._view.tokens.text(node.start, node.header or node.body.at)
            meanings = dict(self._meanings(item.env, defaults))
        assert item.result is not None
        return signature_of(types, settle(item.result), text, meanings)

    def _meanings(self, env: Env, nodes: list[Any]) -> Iterator[tuple[str, str]]:
        for path in paths_in(nodes):
            for length in range(len(path), 0, -1):
                key = self._key(self._pass.lookup(env, path[:length]))
                if key:
                    yield "::".join(path[:length]), key
                    break

    def _key(self, value: object) -> str:
        """The "module::item" of an item, "" for what has none."""
        if isinstance(value, FunctionItem):
            return value.symbol
        if isinstance(value, StructItem | EnumItem):
            return key_of(value.type)
        if isinstance(value, VariantItem):
            return key_of(value.enum.type)
        if isinstance(value, ConstItem | AliasItem):
            if id(value) not in self._keys:
                own = {id(item): f"{self._pass.module.name}::{name}" for name, item in self._pass.module.items.items()}
                self._keys = {**own, **{id(item): key for key, item in self._pass.module.foreign.items()}}
            return self._keys.get(id(value), "")
        return ""
