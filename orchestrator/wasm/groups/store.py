"""Files with machine code, for one user on one machine.

**A damaged file of machine code may crash or compute wrongly**, and who can write one decides what runs. So it is
never loaded unless its checksum fits, and only from a folder that this user owns and nobody else may enter. Names are
digests of everything that the content depends on, the checksum covers the name, and files are replaced atomically: two
processes that write one file write the same.

Nothing here fails a run. What cannot be read is compiled again, what cannot be written is not kept.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

from xxhash import xxh3_128_digest

MOST = 256 << 20
"""Bytes that are kept. Beyond that, the files that were used least recently are removed until a quarter is free."""

_CHECKSUM = 16
_FRESH = 3600  # Seconds after which a use of a file is noted, so that most uses cost no write.


class MachineStore:
    """The folder, and the files in it by name."""

    def __init__(self, folder: str, most: int = MOST) -> None:
        self._folder, self._most = folder, most
        self._written = 0
        self._safe: bool | None = None

    def read(self, name: str) -> bytes | None:
        """The content that was written under this name; None where there is none, or not exactly this."""
        if not self.usable():
            return None
        path = os.path.join(self._folder, name)
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with open(file, "rb") as opened:
                data = opened.read()
                if time.time() - os.fstat(file).st_mtime > _FRESH:
                    os.utime(path)
        except OSError:
            return None
        content = data[_CHECKSUM:]
        return content if data[:_CHECKSUM] == _checksum(name, content) else None

    def write(self, name: str, content: bytes) -> None:
        """Keeps the content, if that is possible."""
        if not self.usable():
            return
        path = os.path.join(self._folder, name)
        temporary = f"{path}.{os.getpid()}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(_checksum(name, content) + content)
            os.replace(temporary, path)
            self._written += 1
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)

    def evict(self) -> None:
        """Removes what was used least recently, if something was written and there is too much."""
        if not self._written:
            return
        self._written = 0
        files: list[tuple[float, int, str]] = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    seen = entry.stat(follow_symlinks=False)
                    files.append((seen.st_mtime, seen.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        if total <= self._most:
            return
        for _, size, path in sorted(files):
            if total <= self._most - self._most // 4:
                return
            with suppress(OSError):
                os.unlink(path)
            total -= size

    def usable(self) -> bool:
        """Whether the folder is there, belongs to this user, and is closed to all others. It is made where that is so
        of the folder that it is made in, except that others may enter that one: `sudo` with the home of another user
        must leave nothing there."""
        if self._safe is None:
            try:
                if not os.path.lexists(self._folder):
                    parent = self._folder
                    while not os.path.lexists(parent := os.path.dirname(parent)):
                        pass
                    if os.stat(parent).st_uid == os.geteuid():
                        os.makedirs(self._folder, 0o700, exist_ok=True)
                # Looked at even if it was made just now: somebody else may have made it in between.
                seen = os.lstat(self._folder)
                self._safe = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077
            except (OSError, AttributeError):  # no such folder, or a system without user numbers
                self._safe = False
        return self._safe


def _checksum(name: str, content: bytes) -> bytes:
    return xxh3_128_digest(name.encode() + content)
