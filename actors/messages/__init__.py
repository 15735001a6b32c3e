"""Every message that crosses a channel: frozen Structs that all encode and decode.

    sources.py   from the API to the scanner, from there to the hasher, and on to the planner
    builds.py    from the API to the planner
    jobs.py      from the planner to the workers
    cache.py     from the planner and the API to the keeper
    remote.py    from the keeper to a cache elsewhere

A message that is answered derives from `Request[ANSWER]` (`base.py`). From that, type checkers know what `ask` returns,
and the tables of who answers what are derived: the keeper's handlers, the laws of messages, the decoder of recordings.

Handles, locks, files and cancellation tokens are never part of a message. A build is named by its number, and what else
belongs to it is looked up by that number. So the tap can record a build, a recording can be replayed, and a job can
cross a process border. Cheap things travel in batches, so the number of messages grows with what changed.
"""

from actors.messages.base import *  # noqa: F403
from actors.messages.builds import *  # noqa: F403
from actors.messages.cache import *  # noqa: F403
from actors.messages.jobs import *  # noqa: F403
from actors.messages.remote import *  # noqa: F403
from actors.messages.sources import *  # noqa: F403
