"""What all messages derive from, and who answers what."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast, get_args

import msgspec

BATCH = 64
"""How many modules travel in one message."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="message", omit_defaults=True):
    """Base of everything that is told, posted or replied."""


class MessagePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of the pieces that messages are made of."""


M = TypeVar("M", bound=Message)
A = TypeVar("A", bound=Message, covariant=True)

ANSWERS: dict[type[Message], type[Message]] = {}
"""What each request is answered with. Filled when the classes are made."""


class Request(Message, Generic[A], frozen=True):
    """Base of what is answered, with an `A`. `class Find(Request[Found])` without `[Found]` cannot be imported."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bases: tuple[Any, ...] = cls.__dict__.get("__orig_bases__", ())
        answer = next((argument for base in bases for argument in get_args(base)), None)
        if isinstance(answer, type) and issubclass(answer, Message):
            ANSWERS[cls] = answer
        elif not isinstance(answer, TypeVar):  # A base of other requests has a type variable there.
            raise TypeError(f"{cls.__name__} does not say what it is answered with: Request[...]")


def answer_to(request: Request[A]) -> type[A]:
    """The class of the answer to this request."""
    return cast("type[A]", ANSWERS[type(request)])


def kinds(base: type[M]) -> tuple[type[M], ...]:
    """The messages that derive from `base`, in the order of this file. What others derive from is no message itself."""
    leaves: list[type[M]] = []
    for kind in base.__subclasses__():
        if kind.__module__.startswith("actors.messages."):  # Tests derive from messages too.
            leaves += kinds(kind) or (kind,)
    return tuple(leaves)
