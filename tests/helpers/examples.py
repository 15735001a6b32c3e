"""Values that are made from types, for tests that walk the fields of Structs."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from actors.diagnostics import Diagnostic

PLAIN = {str: "é\u2028x", int: 7, float: 0.5, bool: True, bytes: b"\0\xff", Path: Path("/x")}


def example(hint: Any, full: bool, depth: int = 0) -> Any:
    """A value of a type: `full` ones have something in every container and every optional field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        chosen = [one for one in arguments if one is not type(None)]
        return example(chosen[0], full, depth) if full or type(None) not in arguments else None
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return tuple(example(one, full, depth + 1) for one in arguments if one is not Ellipsis) if full else ()
    if origin is list:
        return [example(arguments[0], full, depth + 1)] if full else []
    if origin is dict:
        return {example(arguments[0], full): example(arguments[1], full, depth + 1)} if full else {}
    if hint is Diagnostic:  # which takes no nonsense
        bare = Diagnostic(code="W1", message="", file="é\u2028x", line=1, column=1, text="")
        more = {"severity": "note", "module": "m", "column": 8, "length": 2, "text": "é", "cut": 7, "hint": "h"}
        return msgspec.structs.replace(bare, **more, place="file") if full else bare
    struct = origin or hint  # `Result[str]` is no class, but msgspec knows the types of its fields
    if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
        return struct(**{field.name: example(field.type, full, depth + 1) for field in msgspec.structs.fields(hint)})
    return PLAIN[hint]
