"""The C library is built before the first test of C, under a lock, and kept for later runs."""

from __future__ import annotations

from tests.helpers.zig import prepare


def pytest_collection_finish() -> None:
    prepare()
