"""What a program says of itself: the features that its code needs, and the tools that made it, merged from objects."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.wasm.gather import Named
from orchestrator.wasm.leb import custom, string, uleb, vector

_SHARED_MEMORY = "-shared-mem"  # These objects must not meet a shared memory, and no program here has one.


def disallowed_features(objects: Sequence[Named]) -> list[str]:
    """A message for each feature that one object needs, and another one must not meet."""
    needed: dict[str, str] = {}
    for name, file in objects:
        for feature in file.features:
            if feature[0] == "+":
                needed.setdefault(feature[1:], name)
    messages: dict[str, str] = {}
    for name, file in objects:
        for feature in file.features:
            if feature[0] == "-" and feature != _SHARED_MEMORY and feature[1:] in needed:
                user = needed[feature[1:]]
                messages.setdefault(feature, f"{user} needs the feature {feature[1:]}, which {name} must not meet")
    return list(messages.values())


def merged_sections(objects: Sequence[Named]) -> bytes:
    """The sections "producers" and "target_features" of a program; empty where no object has these."""
    fields: dict[str, dict[str, str]] = {}
    features = set[str]()
    for _, file in objects:
        for field, name, version in file.producers:
            fields.setdefault(field, {}).setdefault(name, version)
        features.update(feature for feature in file.features if feature[0] == "+")
    out = b""
    if fields:
        entries = [
            string(field) + vector([string(name) + string(version) for name, version in values.items()])
            for field in ("language", "processed-by", "sdk")
            if (values := fields.get(field))
        ]
        out += custom("producers", vector(entries))
    if features:
        entries = [b"+" + string(feature[1:]) for feature in sorted(features)]
        out += custom("target_features", uleb(len(entries)) + b"".join(entries))
    return out
