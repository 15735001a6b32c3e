"""What a check knows of functions that it does not look at: their signatures, and what they looked at themselves.

A stub is made when its name is first looked up. Where a signature was inferred, it says the types; where it is written,
the header of the function, as its summary holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.scope import (
    STUB,
    Env,
    FunctionItem,
    method_context,
)
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.names import METHOD

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from actors.compiler.toolchain import Item
    from orchestrator.toolchains.ruchy.signatures import Known


class Stubs:
    """`items` are the functions whose bodies are not looked at, as the summary has them. `bindings` are
    what these looked at (see `module.Seen`). `top`: not the statements of the top level either. `grown` is what all
    these put in where it is used (see `Pass.spend`). `signatures` are those of all inferred functions of the module,
    looked at or not."""

    def __init__(
        self,
        signatures: Mapping[str, Known],
        items: Mapping[str, Item] | None = None,
        bindings: Collection[tuple[str, str]] = (),
        *,
        top: bool = False,
        grown: int = 0,
    ) -> None:
        self.signatures = signatures
        self.items = items or {}
        self.bindings = bindings
        self.top = top
        self.grown = grown

    def make(self, module: str, name: str) -> FunctionItem | None:
        """The stub of an own function, None where there is none of that name. Its types are read from its header when
        they are first needed, unless they were inferred: then the caller gives them (`know`)."""
        item = self.items.get(name)
        if item is None:
            return None
        scope, _, plain = name.rpartition("::")
        block: tree.Impl | None = None
        known = self.signatures.get(name)
        stands_in = known is not None and not known.defaults and b"mut" not in item.interface and METHOD not in name
        if known is not None and stands_in:
            parameters = [tree.Parameter(0, "", None) for _ in known.parameters]
            node = tree.Function(0, plain, item.public, parameters, None, tree.Block(0, [], 0))
        else:
            node, block = _header(item.interface)
        stub = FunctionItem(plain, f"{module}::{name}", node, Env(module, scope), own=True)
        stub.state = STUB
        # Parameters that stand in for those of the header say no types, and would make it an untyped function.
        stub.instanced = (known is not None and known.instanced) or (stub.instanced and not stands_in)
        if block is not None:
            stub.context = method_context(block.target, block)
        return stub


def _header(interface: bytes) -> tuple[tree.Function, tree.Impl | None]:
    """The function, and the head of the `impl` around it, where that says more than whose method it is."""
    # deferred: most checks have no stubs with a header
    from orchestrator.toolchains.ruchy.syntax.parser import parse_item

    parsed = parse_item(interface.decode()).module
    node = parsed.body[0] if parsed is not None else None
    block = node if isinstance(node, tree.Impl) else None
    function = node.methods[0] if isinstance(node, tree.Impl) else node
    assert isinstance(function, tree.Function), interface
    return function, block
