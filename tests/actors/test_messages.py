"""Every message and event encodes and decodes: proven over the whole unions, with values made from the types."""

from __future__ import annotations

from typing import Any, Union, get_args

import msgspec
import pytest

from actors import events, messages
from tests.helpers.examples import example

UNIONS: dict[str, Any] = {
    "Message": Union[messages.kinds(messages.Message)],
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


def test_every_message_can_be_imported_from_the_package() -> None:
    for kind in messages.kinds(messages.Message):
        assert getattr(messages, kind.__name__) is kind


def test_what_others_derive_from_is_no_message() -> None:
    bases = {messages.Request, messages.KeeperRequest, messages.BuildRequest, messages.WorkerRequest}
    bases |= {messages.JobBatch, messages.BatchDone}
    assert not bases & set(messages.kinds(messages.Message))
    assert messages.kinds(messages.WorkerRequest) == (
        messages.RunSummarise,
        messages.RunInfer,
        messages.RunCompile,
        messages.RunLink,
        messages.ReadInputs,
    )


def test_tags_are_unique_within_a_union() -> None:
    for name, union in UNIONS.items():
        tags = [kind.__struct_config__.tag for kind in members(union)]  # type: ignore[attr-defined]
        assert len(tags) == len(set(tags)), name
