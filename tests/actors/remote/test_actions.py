"""Entries as messages of the Remote Execution API: bytes that others can read, and bytes that nobody wrote."""

from __future__ import annotations

from hashlib import sha256

import pytest

from actors.keeper.metadata import Odd
from actors.remote.actions import action_of, encode_result, metadata_in


def test_an_action_is_a_salt_and_its_name_the_digest_of_that() -> None:
    key = bytes(range(32))
    salt = b"wasmill cache 1\0" + key
    action = b"\x4a" + bytes([len(salt)]) + salt  # field 9, bytes
    assert action_of(key) == (sha256(action).hexdigest(), len(action))


def test_a_result_is_what_others_read() -> None:
    digest = "ab" * 32
    named = b"\x0a\x40" + digest.encode() + b"\x10\xac\x02"  # hash, size 300
    file = b"\x0a\x06object\x12" + bytes([len(named)]) + named
    assert encode_result(b"{}", digest, 300) == b"\x12" + bytes([len(file)]) + file + b"\x2a\x02{}"
    assert metadata_in(encode_result(b"x" * 1000, digest, 0)) == b"x" * 1000


def test_servers_may_add_fields() -> None:
    result = encode_result(b"{}", "ab" * 32, 300)
    more = b"\x20\x00" + b"\x4a\x02hi" + b"\x79" + bytes(8) + b"\x7d" + bytes(4)  # a number, a message, 8 and 4 bytes
    assert metadata_in(more + result + more) == b"{}"


def test_what_is_no_result_is_odd() -> None:
    result = encode_result(b"{}", "ab" * 32, 300)
    # Cut between two fields it is a message, without the metadata.
    for length in range(len(result)):
        with pytest.raises(Odd):
            metadata_in(result[:length])
    for data in (
        b"<html>no</html>",
        b"\xff" * 40,
        b"\x2b",
        result + result,
        b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ):
        with pytest.raises(Odd):
            metadata_in(data)
