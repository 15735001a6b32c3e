"""The events of a build: the closed list, each a frozen Struct. `actors/events.py` says what is in them, and when they
are sent."""

from actors.events import *  # noqa: F403
from actors.events import __all__ as __all__
