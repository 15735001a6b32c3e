"""Recordings of builds, and replaying them: `wasmill build --record FILE`, `wasmill trace replay FILE`.

`record.py` writes and reads them; `replay.py` runs the planner and the keeper of this code against one.
"""

from orchestrator.recording.record import Recorder, Recording, read, recorded
from orchestrator.recording.replay import Replayed, replay

__all__ = ["Recorder", "Recording", "Replayed", "read", "recorded", "replay"]
