"""Every message and event encodes and decodes: proven over the whole unions, with values made from the types."""

from __future__ import annotations

import typing
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from actors import events, messages
from actors.diagnostics import Diagnostic

UNIONS: dict[str, Any] = {
    "ToScanner": messages.ToScanner,
    "ToHasher": messages.ToHasher,
    "ToPlanner": messages.ToPlanner,
    "ToWorkers": messages.ToWorkers,
    "ToKeeper": messages.ToKeeper,
    "Reply": messages.Reply,
    "Tapped": messages.Tapped,
    "Event": events.Event,
}


def members(union: Any) -> tuple[type, ...]:
    found: list[type] = []
    for one in get_args(union) or (union,):
        found += members(one) if get_args(one) else [one]
    return tuple(found)


ALL = [
    pytest.param(name, kind, id=f"{name}-{kind.__name__}") for name, union in UNIONS.items() for kind in members(union)
]


def example(hint: Any, full: bool, depth: int = 0) -> Any:
    """A value of a type: `full` ones have something in every container and every optional field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (typing.Union, getattr(__import__("types"), "UnionType", None)):
        chosen = [one for one in arguments if one is not type(None)]
        return example(chosen[0], full, depth) if full or type(None) not in arguments else None
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return tuple(example(one, full, depth + 1) for one in arguments if one is not Ellipsis) if full else ()
    if origin is dict:
        return {example(arguments[0], full): example(arguments[1], full, depth + 1)} if full else {}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = typing.get_type_hints(hint)
        if hint is Diagnostic:  # which takes no nonsense
            bare = Diagnostic(code="W1", message="", file="é\u2028x", line=1, column=1, text="")
            more = {"severity": "note", "module": "m", "column": 8, "length": 2, "text": "é", "cut": 7, "hint": "h"}
            return msgspec.structs.replace(bare, **more, place="file") if full else bare
        return hint(
            **{field.name: example(hints[field.name], full, depth + 1) for field in msgspec.structs.fields(hint)}
        )
    return {str: "é\u2028x", int: 7, float: 0.5, bool: True, bytes: b"\0\xff"}[hint]


@pytest.mark.parametrize("full", [False, True], ids=["bare", "full"])
@pytest.mark.parametrize(("name", "kind"), ALL)
def test_round_trip(name: str, kind: type, full: bool) -> None:
    message = example(kind, full)
    union = UNIONS[name]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=union) == message
    assert msgspec.json.decode(msgspec.json.encode(message), type=union) == message


def test_messages_are_frozen() -> None:
    for union in UNIONS.values():
        for kind in members(union):
            assert kind.__struct_config__.frozen, kind  # type: ignore[attr-defined]


def test_no_message_class_is_forgotten_in_the_unions() -> None:
    known = {kind for union in UNIONS.values() for kind in members(union)}
    defined = {
        kind
        for kind in vars(messages).values()
        if isinstance(kind, type) and issubclass(kind, messages.Message) and kind is not messages.Message
    }
    assert defined <= known


def test_tags_are_unique_within_a_union() -> None:
    for name, union in UNIONS.items():
        tags = [kind.__struct_config__.tag for kind in members(union)]  # type: ignore[attr-defined]
        assert len(tags) == len(set(tags)), name
