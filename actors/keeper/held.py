"""What the running build uses, and must therefore not lose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.disk import Disk
from actors.keeper import locks
from actors.keeper.claims import Claims


class Held:
    """What the running build uses: `keys` that were looked up or stored, `names` of objects. Of the keys, `found` were
    there, `missed` were not. `read` are objects that were read without being found. `untold` is what other processes
    have not been told of. `stored` need no claim any more."""

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self.names: set[bytes] = set()
        self.found: set[bytes] = set()
        self.missed: set[bytes] = set()
        self.read: set[bytes] = set()
        self.untold: set[bytes] = set()
        self.pins: locks.Pins | None = None
        self.stored: set[bytes] = set()
        self._claims: Claims | None = None

    def hold(self, keys: Iterable[bytes], names: Iterable[bytes] = ()) -> bool:
        """Hold these until the build ends. Gives whether there is something that other processes have to be told."""
        for new, there in ((keys, self.keys), (names, self.names)):
            fresh = set(new) - there
            there |= fresh
            self.untold |= fresh
        return bool(self.untold)

    def pin(self, folder: str | None, disk: Disk) -> None:
        """Tell other processes that share the cache `folder`; None is shared with nobody. Blocks."""
        if self.untold and folder is not None:
            try:
                if self.pins is None:
                    self.pins = locks.Pins(folder, disk)
                    locks.bury(folder, self.pins, disk)
                self.pins.add(self.untold)
            except OSError:
                pass  # A read-only cache. Others may evict what we use, which costs late misses and nothing else.
        self.untold = set()
        if self._claims is not None:
            self._claims.give_back(self.stored)
        self.stored = set()

    def claim(self, folder: str | None, disk: Disk, keys: Sequence[bytes], beside: int) -> set[bytes]:
        """Pin, and claim these keys. Gives those that others have claimed (see `Claims.take`). Blocks."""
        self.pin(folder, disk)
        if folder is None or not keys:
            return set()
        try:
            self._claims = self._claims or Claims(folder, disk)
        except OSError:
            return set()  # A read-only cache: what is compiled twice there is stored by nobody.
        return self._claims.take(keys, beside)

    def release(self) -> None:
        """The build has ended. Blocks."""
        if self.pins is not None:
            self.pins.release()
        if self._claims is not None:
            self._claims.release()

    @property
    def shown(self) -> bool:
        """Whether other processes see anything of this build."""
        return self.pins is not None or self._claims is not None
